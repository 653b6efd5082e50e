//! `clpeer run`: how long a file's kernel takes, compiled at each setting.
//!
//! The kernel is the function `%bench`, else `%main`, else the first with a run line; its
//! arguments are those of its first run line, and its result must be what that line says.

use crate::Options;
use crate::host::{self, SETTINGS, Setting, median};
use crate::link::{self, Linked};
use crate::judge::{self, Kernel};
use cranelift_codegen::data_value::DataValue;
use std::time::Instant;

/// A call shorter than this is repeated until it takes so long.
const ENOUGH_NS: u64 = 20_000_000;

pub fn run(options: &Options) -> u8 {
    let mut status = 0;
    let settings = if options.settings.is_empty() { &SETTINGS[..] } else { &options.settings[..] };
    for path in &options.files {
        for setting in settings {
            match time_file(path, *setting, options) {
                Ok(ns) if options.tsv => println!("{path}\t{}\t{ns:.1}", setting.name),
                Ok(ns) => println!("{path}: {}: {ns:.1} ns", setting.name),
                Err(e) => {
                    status = 1;
                    eprintln!("{path}: {}: {e}", setting.name);
                }
            }
        }
    }
    status
}

fn time_file(path: &str, setting: Setting, options: &Options) -> Result<f64, String> {
    let text = host::read_text(path)?;
    let kernel = judge::kernel_of(&text)?;
    let isa = host::isa_of_host(setting, options.baseline);
    let code = link::link(&kernel.functions, &*isa)?;
    if let Some(reason) = code.reason(kernel.function) {
        return Err(reason.to_string());
    }
    let mut calls = 1;
    while timed(&code, &kernel, calls)? < ENOUGH_NS && calls < 1 << 30 {
        calls *= 2;
    }
    let mut times = Vec::new();
    for _ in 0..options.reps {
        times.push(timed(&code, &kernel, calls)?);
    }
    Ok(median(&mut times) as f64 / calls as f64)
}

fn timed(code: &Linked, kernel: &Kernel, calls: u64) -> Result<u64, String> {
    let sig = &kernel.functions[kernel.function].signature;
    let mut slots = vec![0u128; sig.params.len().max(sig.returns.len())];
    let start = Instant::now();
    for _ in 0..calls {
        for (k, value) in kernel.args.iter().enumerate() {
            unsafe { value.write_value_to(&mut slots[k]) };
        }
        unsafe { code.call(kernel.function, slots.as_mut_ptr().cast()) };
    }
    let time = start.elapsed().as_nanos() as u64;
    let results = sig.returns.iter().enumerate();
    let read = |(k, r): (usize, &cranelift_codegen::ir::AbiParam)| unsafe {
        DataValue::read_value_from(&slots[k], r.value_type)
    };
    let same = results.map(read).zip(&kernel.results).all(|(a, b)| a.bitwise_eq(b));
    if same { Ok(time) } else { Err("a wrong result".to_string()) }
}
