//! `clpeer image`: a kernel's file as AArch64 code, linked for an address at which it will stand.
//!
//! Printed are a line with the offset of the kernel's entry and the number of bytes, then they.
//! What calls the run time's routines cannot be linked so.

use crate::host::{self, SETTINGS};
use crate::{Options, judge};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, Function, UserFuncName};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::{Context, FinalizedRelocTarget};
use std::collections::HashMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

struct Piece {
    offset: usize,
    relocs: Vec<(usize, Reloc, Target, i64)>,
}

enum Target {
    Name(String),
    Inside(usize),
}

fn target_of(target: &FinalizedRelocTarget, f: &Function) -> Result<Target, String> {
    Ok(match target {
        FinalizedRelocTarget::Func(offset) => Target::Inside(*offset as usize),
        FinalizedRelocTarget::ExternalName(ExternalName::LibCall(l)) => {
            return Err(format!("it calls {l}"));
        }
        FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
            let user = f.params.user_named_funcs()[*name].clone();
            Target::Name(UserFuncName::User(user).to_string())
        }
        FinalizedRelocTarget::ExternalName(name) => Target::Name(name.display(None).to_string()),
    })
}

fn compile(f: &Function, isa: &dyn TargetIsa, image: &mut Vec<u8>) -> Result<Piece, String> {
    let mut ctx = Context::for_function(f.clone());
    let result = catch_unwind(AssertUnwindSafe(|| {
        let compiled = ctx.compile(isa, &mut ControlPlane::default());
        compiled.map(|_| ()).map_err(|e| format!("{:?}", e.inner).replace('\n', " "))
    }));
    result.map_err(|_| "Cranelift panics".to_string())??;
    let compiled = ctx.compiled_code().expect("it was compiled");
    image.resize(image.len().next_multiple_of(64), 0);
    let offset = image.len();
    image.extend_from_slice(compiled.code_buffer());
    let mut relocs = Vec::new();
    for r in compiled.buffer.relocs() {
        relocs.push((r.offset as usize, r.kind, target_of(&r.target, &ctx.func)?, r.addend));
    }
    Ok(Piece { offset, relocs })
}

fn relocate(
    image: &mut [u8],
    at: usize,
    kind: Reloc,
    to: usize,
    base: usize,
) -> Result<(), String> {
    let word = u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
    let place = base + at;
    match kind {
        Reloc::Abs8 => image[at..at + 8].copy_from_slice(&to.to_le_bytes()),
        Reloc::Arm64Call => {
            let distance = (to as i64 - place as i64) >> 2;
            let field = (distance as u32) & 0x3ff_ffff;
            image[at..at + 4].copy_from_slice(&(word & !0x3ff_ffff | field).to_le_bytes());
        }
        _ => return Err(format!("relocation {kind} is not supported here")),
    }
    Ok(())
}

fn link(path: &str, options: &Options) -> Result<(usize, Vec<u8>), String> {
    let text = host::read_text(path)?;
    let kernel = judge::kernel_of(&text)?;
    let setting = options.settings.first().unwrap_or(&SETTINGS[3]);
    let isa = host::isa_of(*setting, options);
    let mut image = Vec::new();
    let mut pieces = Vec::new();
    let mut names = HashMap::new();
    for f in &kernel.functions {
        let piece = compile(f, &*isa, &mut image)?;
        names.insert(f.name.to_string(), piece.offset);
        pieces.push(piece);
    }
    for piece in &pieces {
        for (offset, kind, target, addend) in &piece.relocs {
            let to = match target {
                Target::Inside(inside) => piece.offset + inside,
                Target::Name(name) => *names.get(name).ok_or(format!("no function {name}"))?,
            };
            let to = (options.base + to).wrapping_add_signed(*addend as isize);
            relocate(&mut image, piece.offset + offset, *kind, to, options.base)?;
        }
    }
    Ok((pieces[kernel.function].offset, image))
}

pub fn image(options: &Options) -> u8 {
    let options = &Options { aarch64: true, settings: options.settings.clone(), only: None,
                             files: options.files.clone(), ..*options };
    match link(&options.files[0], options) {
        Ok((entry, image)) => {
            let mut out = std::io::stdout().lock();
            let done = writeln!(out, "{entry} {}", image.len()).and_then(|_| out.write_all(&image));
            if done.is_ok() { 0 } else { 2 }
        }
        Err(e) => {
            eprintln!("{}: {e}", options.files[0]);
            1
        }
    }
}
