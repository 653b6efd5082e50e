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


class Command:
    """The command under test: one line in, one line out."""

    def __init__(self, argv):
        self.argv = argv
        self.process = None

    def ask(self, line):
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE)
        try:
            self.process.stdin.write(line.encode('utf-8', 'surrogateescape') + b'\n')
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = b''
        if not answer:
            return 'crash status %s' % self.process.wait()
        return answer.decode('utf-8', 'replace').rstrip('\n')

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            return self.process.wait()
        return 0


class Script:
    """One script, run from its beginning with a fresh command."""

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

    def load(self, command, item):
        path = os.path.join(self.folder, item['filename'])
        return command.ask('module %s %s' % (item.get('name', '-'), path))

    def act(self, command, action):
        name, field = action.get('module', '-'), quoted(action['field'])
        if action['type'] == 'get':
            return command.ask('get %s %s' % (name, field))
        arguments = ' '.join(value_text(a) for a in action['args'])
        return command.ask(('invoke %s %s %s' % (name, field, arguments)).rstrip())

    def text_fits(self, answer, kind, text):
        got, _, message = answer.partition(' ')
        return got == kind and (self.options.loose or begins(message, text))

    def returns(self, command, item):
        answer = self.act(command, item['action'])
        words = answer.split(' ')
        expected = item['expected']
        good = (words[0] == 'ok' and len(words) == len(expected) + 1
                and all(value_fits(e, w) for e, w in zip(expected, words[1:])))
        want = ' '.join(value_text(e) if not str(e.get('value')).startswith('nan')
                        else e['value'] for e in expected)
        arguments = ' '.join(value_text(a) for a in item['action'].get('args', []))
        self.report(item['line'], good, '%s(%s) gives %s, expected %s' % (
            item['action']['field'], arguments, answer, want))

    def run_item(self, command, item):
        kind, line = item['type'], item['line']
        refused = {'assert_malformed': 'malformed', 'assert_invalid': 'invalid',
                   'assert_unsupported': 'unsupported', 'assert_unlinkable': 'unlinkable',
                   'assert_uninstantiable': 'trap'}
        runs = kind not in ('module', 'assert_valid', 'assert_malformed', 'assert_invalid',
                            'assert_unsupported')
        if item.get('module_type') == 'text' or (runs and self.options.decode_only):
            self.skipped += item.get('module_type') != 'text'
        elif kind in ('module', 'assert_valid'):
            answer = self.load(command, item)
            self.report(line, answer == 'ok', '%s gives %s' % (item['filename'], answer))
        elif kind in refused:
            answer = self.load(command, item)
            self.report(line, self.text_fits(answer, refused[kind], item['text']),
                        '%s gives "%s", expected %s %s' % (item['filename'], answer, refused[kind],
                                                           item['text']))
        elif kind == 'register':
            answer = command.ask('register %s %s' % (item.get('name', '-'), quoted(item['as'])))
            self.report(line, answer == 'ok', 'register gives ' + answer)
        elif kind == 'action':
            answer = self.act(command, item['action'])
            self.report(line, answer.split(' ')[0] == 'ok', 'action gives ' + answer)
        elif kind == 'assert_return':
            self.returns(command, item)
        elif kind in ('assert_trap', 'assert_exhaustion'):
            answer = self.act(command, item['action'])
            want = 'trap' if kind == 'assert_trap' else 'exhausted'
            self.report(line, self.text_fits(answer, want, item['text']),
                        '%s gives "%s", expected %s %s' % (item['action']['field'], answer, want,
                                                           item['text']))
        else:
            self.report(line, False, 'no such command: ' + kind)

    def run(self, argv, scratch):
        json_path = self.path
        if self.path.endswith('.wast'):
            json_path = os.path.join(scratch, os.path.basename(self.path)[:-5] + '.json')
            made = subprocess.run(['wast2json', '--enable-extended-const', self.path, '-o',
                                   json_path], capture_output=True, text=True)
            if made.returncode != 0 or made.stderr:  # some errors leave its status 0
                self.report(0, False, 'wast2json: ' + made.stderr.strip()[:400])
                return
        self.folder = os.path.dirname(json_path)
        with open(json_path, encoding='utf-8') as file:
            items = json.load(file)['commands']
        command = Command(argv)
        for item in items:
            self.run_item(command, item)
        if command.close() != 0:
            self.report(0, False, 'the command ended with a failure')


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
