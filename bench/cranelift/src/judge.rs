//! `clpeer test`: runs the run lines of files through Cranelift, an independent judge of them.
//!
//! Each line runs in a child process, which survives nothing and need not: a trap is caught by a
//! signal handler that writes its code to shared memory and ends the child.

use crate::Options;
use crate::host::{self, Header, Setting};
use crate::link::{self, Linked, SLOT};
use cranelift_codegen::data_value::{DataValue, DisplayDataValues};
use cranelift_codegen::ir::{Function, Signature};
use cranelift_codegen::isa::CallConv;
use cranelift_reader::{
    Comparison, ParseOptions, RunCommand, TestFile, parse_run_command, parse_test,
};
use std::io::Write;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

const MAX_SLOTS: usize = 4096;
const SECONDS: u32 = 20;

/// What a run line expects.
enum Expect {
    Values(Comparison, Vec<DataValue>),
    Trap(String),
    Print,
}

struct RunLine<'a> {
    line: usize,
    text: &'a str,
    function: usize,
    parsed: Result<(Vec<DataValue>, Expect), String>,
}

#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
    errors: usize,
}

pub fn test(options: &Options) -> u8 {
    let default = ["none", "none+single_pass", "speed"].map(|n| Setting::by_name(n).unwrap());
    let settings = if options.settings.is_empty() { &default[..] } else { &options.settings[..] };
    let mut counts = Counts::default();
    for path in &options.files {
        test_file(path, settings, &mut counts);
    }
    say(format!(
        "{} passed, {} failed, {} skipped",
        counts.passed, counts.failed, counts.skipped
    ));
    match (counts.errors, counts.failed) {
        (0, 0) => 0,
        (0, _) => 1,
        _ => 2,
    }
}

/// Prints a line at once: a child must not inherit half of it.
fn say(line: String) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

fn test_file(path: &str, settings: &[Setting], counts: &mut Counts) {
    let text = match host::read_text(path) {
        Ok(text) => text,
        Err(e) => {
            counts.errors += 1;
            return say(format!("{path}:0: error: {e}"));
        }
    };
    let header = host::read_header(&text);
    let body = host::without_header(&text, header.lines);
    let file = match parse_test(&body, parse_options()) {
        Ok(file) => file,
        Err(e) => {
            counts.errors += 1;
            return say(format!("{path}:{}: error: {}", e.location.line_number, e.message));
        }
    };
    let lines = run_lines(&body, &file);
    let functions: Vec<Function> = file.functions.into_iter().map(|(f, _)| f).collect();
    run_targets(path, &header, settings, &functions, &lines, counts);
}

fn parse_options() -> ParseOptions<'static> {
    ParseOptions { default_calling_convention: CallConv::SystemV, ..ParseOptions::default() }
}

/// All run lines of a file; `body` is the text that it was read from.
fn run_lines<'a>(body: &'a str, file: &TestFile<'a>) -> Vec<RunLine<'a>> {
    let (mut lines, mut line, mut counted) = (Vec::new(), 1, 0);
    for (function, (f, details)) in file.functions.iter().enumerate() {
        for c in &details.comments {
            let before = c.text.as_ptr() as usize - body.as_ptr() as usize;
            let Some(text) = run_text(c.text) else { continue };
            line += body.as_bytes()[counted..before].iter().filter(|b| **b == b'\n').count();
            counted = before;
            let parsed = parse_line(text, &f.signature);
            lines.push(RunLine { line, text, function, parsed });
        }
    }
    lines
}

/// A file's functions, and the one that stands for the file with what its run line gives it.
pub struct Kernel {
    pub functions: Vec<Function>,
    pub function: usize,
    pub args: Vec<DataValue>,
    pub results: Vec<DataValue>,
}

pub fn kernel_of(text: &str) -> Result<Kernel, String> {
    let body = host::without_header(text, host::read_header(text).lines);
    let file = parse_test(&body, parse_options()).map_err(|e| e.to_string())?;
    let mut best: Option<(usize, RunLine)> = None;
    for l in run_lines(&body, &file) {
        let name = file.functions[l.function].0.name.to_string();
        let rank = ["%bench", "%main"].iter().position(|n| *n == name).unwrap_or(2);
        if best.as_ref().is_none_or(|b| rank < b.0) {
            best = Some((rank, l));
        }
    }
    let line = best.ok_or("no run line")?.1;
    match line.parsed? {
        (args, Expect::Values(Comparison::Equals, results)) => {
            let function = line.function;
            let functions = file.functions.into_iter().map(|(f, _)| f).collect();
            Ok(Kernel { functions, function, args, results })
        }
        _ => Err(format!("line {}: no result to expect", line.line)),
    }
}

/// The text of a comment that is a run line: what starts with `run` or `print`.
fn run_text(comment: &str) -> Option<&str> {
    let text = comment.trim_start_matches([';', ' ', '\t']).trim_end();
    let word = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
    (word == "run" || word == "print").then_some(text)
}

/// Cranelift's reader knows all but `traps CODE`, which is read here.
fn parse_line(text: &str, sig: &Signature) -> Result<(Vec<DataValue>, Expect), String> {
    let (call, trap) = match text.split_once(") traps ") {
        Some((call, code)) => {
            let code = code.split([' ', ';']).next().unwrap_or("").to_string();
            (format!("{}) ", call.replacen("run:", "print:", 1)), Some(code))
        }
        None => (text.to_string(), None),
    };
    match parse_run_command(&call, sig) {
        Ok(Some(RunCommand::Print(call))) => {
            Ok((call.args, trap.map_or(Expect::Print, Expect::Trap)))
        }
        Ok(Some(RunCommand::Run(call, how, values))) => {
            Ok((call.args, Expect::Values(how, values)))
        }
        Ok(None) => Err("not a run line".to_string()),
        Err(e) => Err(e.message),
    }
}

fn run_targets(
    path: &str,
    header: &Header,
    settings: &[Setting],
    functions: &[Function],
    lines: &[RunLine],
    counts: &mut Counts,
) {
    for target in &header.targets {
        for setting in settings {
            let tag = target.tag(*setting);
            let linked = host::isa_of_target(target, *setting)
                .and_then(|isa| link::link(functions, &*isa));
            for line in lines {
                let verdict = match (&linked, &line.parsed) {
                    (Err(reason), _) => Verdict::Skip(reason.clone()),
                    (_, Err(e)) => Verdict::Error(e.clone()),
                    (Ok(code), Ok((args, expect))) => match code.reason(line.function) {
                        Some(reason) => Verdict::Skip(reason.to_string()),
                        None => {
                            let sig = &functions[line.function].signature;
                            run_line(code, line.function, sig, args, expect)
                        }
                    },
                };
                report(path, &tag, line, verdict, counts);
            }
        }
    }
}

enum Verdict {
    Pass,
    Fail(String),
    Print(String),
    Skip(String),
    Error(String),
}

fn report(path: &str, tag: &str, line: &RunLine, verdict: Verdict, counts: &mut Counts) {
    let at = format!("{path}:{}", line.line);
    let text = line.text.strip_prefix("run:").or(line.text.strip_prefix("print:"));
    let text = text.unwrap_or(line.text).trim();
    match verdict {
        Verdict::Pass => {
            counts.passed += 1;
            say(format!("{at}: pass: [{tag}] {text}"));
        }
        Verdict::Fail(got) => {
            counts.failed += 1;
            say(format!("{at}: fail: [{tag}] {text}, got {got}"));
        }
        Verdict::Print(values) => say(format!("{at}: print: [{tag}] {text} -> {values}")),
        Verdict::Skip(reason) => {
            counts.skipped += 1;
            say(format!("{at}: skip: [{tag}] {reason}"));
        }
        Verdict::Error(e) => {
            counts.errors += 1;
            say(format!("{at}: error: {e}"));
        }
    }
}

fn run_line(
    code: &Linked,
    function: usize,
    sig: &Signature,
    args: &[DataValue],
    expect: &Expect,
) -> Verdict {
    let n = sig.params.len().max(sig.returns.len());
    if n > MAX_SLOTS || args.len() != sig.params.len() {
        return Verdict::Error("wrong number of arguments".to_string());
    }
    let outcome = run_in_child(code, function, args, n);
    let values = outcome.map(|slots| {
        let results = sig.returns.iter().enumerate();
        let values = results.map(|(k, r)| unsafe {
            DataValue::read_value_from(slots.as_ptr().add(k), r.value_type)
        });
        values.collect::<Vec<_>>()
    });
    match (values, expect) {
        (Err(trap), Expect::Trap(code)) if trap == format!("trap {code}") => Verdict::Pass,
        (Err(trap), _) => Verdict::Fail(trap),
        (Ok(values), Expect::Print) => Verdict::Print(DisplayDataValues(&values).to_string()),
        (Ok(values), Expect::Values(how, wanted)) => {
            let same = values.len() == wanted.len()
                && values.iter().zip(wanted).all(|(a, b)| a.bitwise_eq(b));
            match same == (*how == Comparison::Equals) {
                true => Verdict::Pass,
                false => Verdict::Fail(DisplayDataValues(&values).to_string()),
            }
        }
        (Ok(values), Expect::Trap(_)) => Verdict::Fail(DisplayDataValues(&values).to_string()),
    }
}

/// Shared between parent and child: how the call ended, and the slots.
#[repr(C, align(16))]
struct Shared {
    done: u64,
    signal: i32,
    trap: u8, // raw TrapCode, 0: none
    slots: [u128; MAX_SLOTS],
}

static SHARED: AtomicPtr<Shared> = AtomicPtr::new(std::ptr::null_mut());
static CODE: AtomicPtr<Linked> = AtomicPtr::new(std::ptr::null_mut());

/// Calls in a child; the result slots, or the trap or signal that ended it.
fn run_in_child(
    code: &Linked,
    function: usize,
    args: &[DataValue],
    n: usize,
) -> Result<Vec<u128>, String> {
    assert!(SLOT == size_of::<u128>());
    unsafe {
        let shared = shared_memory();
        (*shared).done = 0;
        (*shared).signal = 0;
        (*shared).trap = 0;
        for (k, value) in args.iter().enumerate() {
            // Garbage above a narrow value, as the caller of such a function may leave it.
            (*shared).slots[k] = 0xa5a5_5a5a_a5a5_5a5a_a5a5_5a5a_a5a5_5a5a;
            value.write_value_to(&mut (&mut (*shared).slots)[k]);
        }
        let pid = libc::fork();
        assert!(pid >= 0, "fork failed");
        if pid == 0 {
            catch_signals(code, shared);
            code.call(function, (&raw mut (*shared).slots).cast());
            (*shared).done = 1;
            libc::_exit(0);
        }
        let mut status = 0;
        libc::waitpid(pid, &mut status, 0);
        if (*shared).done == 1 {
            return Ok((&(*shared).slots)[..n].to_vec());
        }
        if let Some(raw) = std::num::NonZeroU8::new((*shared).trap) {
            return Err(format!("trap {}", cranelift_codegen::ir::TrapCode::from_raw(raw)));
        }
        let signal = match (*shared).signal {
            0 => libc::WTERMSIG(status),
            signal => signal,
        };
        match signal {
            libc::SIGALRM => Err(format!("no end after {SECONDS} s")),
            _ => Err(format!("signal {signal}")),
        }
    }
}

fn shared_memory() -> *mut Shared {
    let mut p = SHARED.load(Relaxed);
    if p.is_null() {
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        let size = size_of::<Shared>();
        let map = unsafe { libc::mmap(std::ptr::null_mut(), size, prot, flags, -1, 0) };
        assert!(map != libc::MAP_FAILED, "no shared memory");
        p = map.cast();
        SHARED.store(p, Relaxed);
    }
    p
}

unsafe fn catch_signals(code: &Linked, shared: *mut Shared) {
    CODE.store(std::ptr::from_ref(code).cast_mut(), Relaxed);
    SHARED.store(shared, Relaxed);
    unsafe {
        let size = 1 << 16;
        let stack = libc::stack_t {
            ss_sp: libc::malloc(size),
            ss_flags: 0,
            ss_size: size,
        };
        libc::sigaltstack(&stack, std::ptr::null_mut());
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        for signal in [libc::SIGILL, libc::SIGFPE, libc::SIGSEGV, libc::SIGBUS, libc::SIGTRAP] {
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
        libc::alarm(SECONDS);
    }
}

extern "C" fn on_signal(signal: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    unsafe {
        let context: *const libc::ucontext_t = context.cast();
        let pc = (*context).uc_mcontext.gregs[libc::REG_RIP as usize] as usize;
        let shared = SHARED.load(Relaxed);
        (*shared).signal = signal;
        (*shared).trap = (*CODE.load(Relaxed)).trap_at(pc).map_or(0, |t| t.as_raw().get());
        libc::_exit(1);
    }
}
