#!/usr/bin/env python3
"""run_wast.py - runs scripts of the specification's test language against a command.

    run_wast.py [--decode-only] [--loose] [--verbose] COMMAND... -- FILE.wast|FILE.json...

COMMAND is `gantry wasm --commands` with its options, or anything else that speaks that protocol.
A .wast file goes through wabt's wast2json first; a .json file is what that writes, with two kinds
of commands more: assert_unsupported (a feature refused by name) and assert_valid (a module that is
decoded, and perhaps run). The expected text of a module refused and of a trap must be the beginning
of the message, or the message of the text; --loose compares the kind alone. --decode-only leaves
out all that runs or links. Ends with "N passed, N failed, N skipped".
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

FAILURES_SHOWN = 30

# Commands that need no more than decoding, and what answers to those that expect a refusal.
DECODES = ('module', 'assert_valid', 'assert_malformed', 'assert_invalid', 'assert_unsupported')
REFUSED = {'assert_malformed': 'malformed', 'assert_invalid': 'invalid',
           'assert_unsupported': 'unsupported', 'assert_unlinkable': 'unlinkable',
           'assert_uninstantiable': 'trap', 'assert_trap': 'trap',
           'assert_exhaustion': 'exhausted'}


def quoted(name):
    """A name as the protocol writes it; JSON gives wast2json's UTF-8."""
    out = ''
    for byte in name.encode('utf-8', 'surrogateescape'):
        plain = 0x21 <= byte <= 0x7e and byte not in b'"\\'
        out += chr(byte) if plain else '\\%02x' % byte
    return '"%s"' % out


def value_text(value):
    kind, text = value['type'], value.get('value', 'null')
    if kind == 'f32':
        return 'f32:0x%08x' % int(text)
    if kind == 'f64':
        return 'f64:0x%016x' % int(text)
    return '%s:%s' % (kind, text)


def bits_of(text):
    return int(text, 0)


def is_nan(kind, canonical, bits):
    width, quiet = (32, 0x7fc00000) if kind == 'f32' else (64, 0x7ff8000000000000)
    magnitude = bits & ((1 << (width - 1)) - 1)
    return magnitude == quiet if canonical else magnitude & quiet == quiet


def value_fits(expected, got):
    """Is the protocol's value `got` what the script expects?"""
    kind, _, text = got.partition(':')
    if kind != expected['type']:
        return False
    want = expected.get('value')
    if kind in ('f32', 'f64'):
        bits = bits_of(text)
        if want in ('nan:canonical', 'nan:arithmetic'):
            return is_nan(kind, want == 'nan:canonical', bits)
        return bits == int(want)
    if kind in ('i32', 'i64'):
        mask = (1 << int(kind[1:])) - 1
        return bits_of(text) & mask == int(want) & mask
    if want is None:  # any reference but null
        return text != 'null'
    if kind == 'funcref':
        return (text == 'null') == (want == 'null')
    return text == want


def begins(message, text):
    return message.startswith(text) or (message != '' and text.startswith(message))


class Script:
    """One script: its commands become lines for one process, then each answer is judged."""

    def __init__(self, options, path):
        self.options = options
        self.path = path
        self.passed = self.failed = self.skipped = 0

    def report(self, line, good, what):
        if good:
            self.passed += 1
        else:
            self.failed += 1
        if not good or self.options.verbose:
            if self.failed <= FAILURES_SHOWN or self.options.verbose:
                print('%s:%s: %s: %s' % (self.path, line, 'pass' if good else 'fail', what))

    def load_line(self, item):
        path = os.path.join(self.folder, item['filename'])
        return 'module %s %s' % (item.get('name', '-'), path)

    def action_line(self, action):
        name, field = action.get('module', '-'), quoted(action['field'])
        if action['type'] == 'get':
            return 'get %s %s' % (name, field)
        return ' '.join(['invoke', name, field] + [value_text(a) for a in action['args']])

    def line_of(self, item):
        """What to send for a command; None: it is left out."""
        kind = item['type']
        if item.get('module_type') == 'text':  # for a reader of the text format
            self.skipped += 1
            return None
        if self.options.decode_only and kind not in DECODES:
            return None
        if kind == 'register':
            return 'register %s %s' % (item.get('name', '-'), quoted(item['as']))
        return self.load_line(item) if 'filename' in item else self.action_line(item['action'])

    def judge(self, item, line, answer):
        kind = item['type']
        got, _, message = answer.partition(' ')
        if kind == 'assert_return':
            values, expected = message.split(), item['expected']
            good = (got == 'ok' and len(values) == len(expected)
                    and all(value_fits(e, v) for e, v in zip(expected, values)))
            want = 'ok ' + ' '.join(str(e.get('value')) if 'nan' in str(e.get('value'))
                                    else value_text(e) for e in expected)
        elif kind in REFUSED:
            good = got == REFUSED[kind] and (self.options.loose or begins(message, item['text']))
            want = REFUSED[kind] + ' ' + item['text']
        else:
            good, want = got == 'ok', 'ok'
        self.report(item['line'], good, '%s gives "%s", expected "%s"' % (
            line.replace(self.folder + os.sep, ''), answer, want))

    def convert(self, scratch):
        """The script as JSON; None and a report: wast2json refuses it."""
        if not self.path.endswith('.wast'):
            return self.path
        path = os.path.join(scratch, os.path.basename(self.path)[:-5] + '.json')
        made = subprocess.run(['wast2json', '--enable-extended-const', self.path, '-o', path],
                              capture_output=True, text=True)
        if made.returncode == 0 and not made.stderr:  # some errors leave its status 0
            return path
        self.report(0, False, 'wast2json: ' + made.stderr.strip()[:400])
        return None

    def run(self, argv, scratch):
        path = self.convert(scratch)
        if path is None:
            return
        self.folder = os.path.dirname(path)
        with open(path, encoding='utf-8') as file:
            asked = [(item, self.line_of(item)) for item in json.load(file)['commands']]
        asked = [pair for pair in asked if pair[1] is not None]
        lines = ''.join(line + '\n' for _, line in asked)
        made = subprocess.run(argv, input=lines.encode('utf-8', 'surrogateescape'),
                              stdout=subprocess.PIPE)
        answers = made.stdout.decode('utf-8', 'replace').split('\n')[:-1]
        for (item, line), answer in zip(asked, answers):
            self.judge(item, line, answer)
        if made.returncode != 0 or len(answers) != len(asked):
            line = asked[len(answers)][0]['line'] if len(answers) < len(asked) else 0
            self.report(line, False, 'status %d after %d answers to %d commands' % (
                made.returncode, len(answers), len(asked)))


class Options:
    decode_only = loose = verbose = False


def main(arguments):
    options = Options()
    while arguments and arguments[0] in ('--decode-only', '--loose', '--verbose'):
        setattr(options, arguments.pop(0)[2:].replace('-', '_'), True)
    if '--' not in arguments:
        print(__doc__)
        return 2
    argv, files = arguments[:arguments.index('--')], arguments[arguments.index('--') + 1:]
    totals = [0, 0, 0]
    with tempfile.TemporaryDirectory() as scratch:
        for path in files:
            script = Script(options, path)
            script.run(argv, scratch)
            for k, n in enumerate((script.passed, script.failed, script.skipped)):
                totals[k] += n
    print('%d passed, %d failed, %d skipped' % tuple(totals))
    return 1 if totals[1] else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
