//! Compiles all functions of a file into one executable mapping where they can call each other,
//! and gives each a trampoline `fn(callee, buffer)` that calls it with arguments from memory.

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::{
    AbiParam, ExternalName, Function, InstBuilder, LibCall, MemFlagsData, Signature, TrapCode,
    UserFuncName, types,
};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_codegen::{Context, FinalizedRelocTarget};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Bytes of the buffer for each argument or result.
pub const SLOT: usize = 16;

pub struct Linked {
    base: *mut u8,
    size: usize,
    entries: Vec<Result<usize, String>>, // by function: offset of its code, or why there is none
    trampolines: Vec<usize>,
    traps: HashMap<usize, TrapCode>, // by offset
}

struct Piece {
    offset: usize,
    code: Vec<u8>,
    relocs: Vec<(usize, Reloc, Symbol, i64)>,
    traps: Vec<(usize, TrapCode)>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Symbol {
    Name(String),
    LibCall(LibCall),
    Inside(usize),
}

/// Compiles functions and trampolines; a function that fails leaves a reason in its place.
pub fn link(functions: &[Function], isa: &dyn TargetIsa) -> Result<Linked, String> {
    let mut at = 0;
    let mut entries = Vec::new();
    let mut pieces = Vec::new();
    for f in functions {
        match compile_piece(f.clone(), isa, &mut at) {
            Ok(piece) => {
                entries.push(Ok(piece.offset));
                pieces.push(piece);
            }
            Err(e) => entries.push(Err(e)),
        }
    }
    let mut trampolines = Vec::new();
    for (k, f) in functions.iter().enumerate() {
        let piece = compile_piece(trampoline(&f.signature), isa, &mut at);
        trampolines.push(piece.as_ref().map_or(0, |p| p.offset));
        match piece {
            Ok(piece) => pieces.push(piece),
            Err(e) if entries[k].is_ok() => entries[k] = Err(e),
            Err(_) => {}
        }
    }
    let mut names = HashMap::new();
    for (k, f) in functions.iter().enumerate() {
        if let Ok(offset) = entries[k] {
            names.insert(Symbol::Name(f.name.to_string()), offset);
        }
    }
    let mut image = Image::new(at);
    for piece in &pieces {
        image.put(piece.offset, &piece.code);
    }
    for piece in &pieces {
        for (offset, kind, symbol, addend) in &piece.relocs {
            image.relocate(piece, *offset, *kind, symbol, *addend, &names)?;
        }
    }
    let traps = pieces.iter().flat_map(|p| p.traps.iter().map(|t| (p.offset + t.0, t.1)));
    let traps = traps.collect();
    let (base, size) = image.seal()?;
    Ok(Linked { base, size, entries, trampolines, traps })
}

fn compile_piece(f: Function, isa: &dyn TargetIsa, at: &mut usize) -> Result<Piece, String> {
    let mut ctx = Context::for_function(f);
    let result = catch_unwind(AssertUnwindSafe(|| {
        let compiled = ctx.compile(isa, &mut ControlPlane::default());
        compiled.map(|_| ()).map_err(|e| format!("{:?}", e.inner).replace('\n', " "))
    }));
    result.map_err(|_| "Cranelift panics".to_string())??;
    let compiled = ctx.compiled_code().expect("it was compiled");
    let code = compiled.code_buffer().to_vec();
    let relocs = compiled.buffer.relocs().to_vec();
    let traps = compiled.buffer.traps().iter().map(|t| (t.offset as usize, t.code)).collect();
    let offset = at.next_multiple_of(64);
    *at = offset + code.len();
    let relocs = relocs
        .iter()
        .map(|r| (r.offset as usize, r.kind, symbol(&r.target, &ctx.func), r.addend))
        .collect();
    Ok(Piece { offset, code, relocs, traps })
}

fn symbol(target: &FinalizedRelocTarget, f: &Function) -> Symbol {
    match target {
        FinalizedRelocTarget::Func(offset) => Symbol::Inside(*offset as usize),
        FinalizedRelocTarget::ExternalName(ExternalName::LibCall(l)) => Symbol::LibCall(*l),
        FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
            let user = f.params.user_named_funcs()[*name].clone();
            Symbol::Name(UserFuncName::User(user).to_string())
        }
        FinalizedRelocTarget::ExternalName(name) => Symbol::Name(name.display(None).to_string()),
    }
}

/// fn(callee, buffer): loads each argument from its slot, calls, stores each result in its slot.
fn trampoline(sig: &Signature) -> Function {
    let mut outer = Signature::new(CallConv::SystemV);
    outer.params.extend([AbiParam::new(types::I64), AbiParam::new(types::I64)]);
    let mut f = Function::with_name_signature(UserFuncName::testcase("trampoline"), outer);
    let inner = f.import_signature(sig.clone());
    let block = f.dfg.make_block();
    let callee = f.dfg.append_block_param(block, types::I64);
    let buffer = f.dfg.append_block_param(block, types::I64);
    let flags = MemFlagsData::new().with_notrap();
    let mut cur = FuncCursor::new(&mut f);
    cur.insert_block(block);
    let mut args = Vec::new();
    for (k, p) in sig.params.iter().enumerate() {
        args.push(cur.ins().load(p.value_type, flags, buffer, (k * SLOT) as i32));
    }
    let call = cur.ins().call_indirect(inner, callee, &args);
    let results = cur.func.dfg.inst_results(call).to_vec();
    for (k, v) in results.iter().enumerate() {
        cur.ins().store(flags, *v, buffer, (k * SLOT) as i32);
    }
    cur.ins().return_(&[]);
    f
}

/// A mapping that is writable while it is filled: code, then a stub for each symbol it refers to.
/// A stub is `jmp [rip+0]` and an address, so that every symbol is near, and has a GOT entry.
struct Image {
    base: *mut u8,
    size: usize,
    stubs_at: usize,
    stubs: HashMap<Symbol, usize>,
}

const STUB: usize = 16;
const STUBS: usize = 4096;

impl Image {
    fn new(code: usize) -> Image {
        let stubs_at = code.next_multiple_of(64);
        let size = (stubs_at + STUBS * STUB).next_multiple_of(4096);
        let base = unsafe {
            let prot = libc::PROT_READ | libc::PROT_WRITE;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            libc::mmap(std::ptr::null_mut(), size, prot, flags, -1, 0)
        };
        assert!(base != libc::MAP_FAILED, "no memory for code");
        Image { base: base.cast(), size, stubs_at, stubs: HashMap::new() }
    }

    fn put(&mut self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= self.size);
        unsafe { std::ptr::copy(bytes.as_ptr(), self.base.add(offset), bytes.len()) }
    }

    fn stub(&mut self, symbol: &Symbol, address: usize) -> Result<usize, String> {
        if let Some(at) = self.stubs.get(symbol) {
            return Ok(*at);
        }
        if self.stubs.len() == STUBS {
            return Err("too many symbols".to_string());
        }
        let at = self.stubs_at + self.stubs.len() * STUB;
        self.put(at, &[0xff, 0x25, 0, 0, 0, 0]);
        self.put(at + 6, &address.to_le_bytes());
        self.stubs.insert(symbol.clone(), at);
        Ok(at)
    }

    fn relocate(
        &mut self,
        piece: &Piece,
        offset: usize,
        kind: Reloc,
        symbol: &Symbol,
        addend: i64,
        names: &HashMap<Symbol, usize>,
    ) -> Result<(), String> {
        let base = self.base as usize;
        let place = piece.offset + offset;
        let address = match symbol {
            Symbol::Inside(inside) => base + piece.offset + inside,
            Symbol::LibCall(l) => libcall_address(*l).ok_or(format!("no libcall {l}"))?,
            Symbol::Name(_) => {
                let none = no_such_function as *const () as usize;
                names.get(symbol).map_or(none, |offset| base + offset)
            }
        };
        let near = match symbol {
            Symbol::LibCall(_) => base + self.stub(symbol, address)?,
            Symbol::Name(_) if !names.contains_key(symbol) => base + self.stub(symbol, address)?,
            _ => address,
        };
        let pc_relative = |to: usize| {
            let distance = (to as i64).wrapping_add(addend) - (base + place) as i64;
            i32::try_from(distance).map_err(|_| "symbol out of reach".to_string())
        };
        match kind {
            Reloc::Abs8 => {
                let value = (address as i64).wrapping_add(addend);
                self.put(place, &value.to_le_bytes());
            }
            Reloc::X86PCRel4 | Reloc::X86CallPCRel4 | Reloc::X86CallPLTRel4 => {
                self.put(place, &pc_relative(near)?.to_le_bytes());
            }
            Reloc::X86GOTPCRel4 => {
                let entry = base + self.stub(symbol, address)? + 6;
                self.put(place, &pc_relative(entry)?.to_le_bytes());
            }
            _ => return Err(format!("relocation {kind} is not supported here")),
        }
        Ok(())
    }

    fn seal(self) -> Result<(*mut u8, usize), String> {
        let prot = libc::PROT_READ | libc::PROT_EXEC;
        match unsafe { libc::mprotect(self.base.cast(), self.size, prot) } {
            0 => Ok((self.base, self.size)),
            _ => Err("mprotect failed".to_string()),
        }
    }
}

impl Linked {
    /// Why function `k` cannot be run, if so.
    pub fn reason(&self, k: usize) -> Option<&str> {
        self.entries[k].as_ref().err().map(String::as_str)
    }

    /// Runs function `k` on this buffer, which holds a slot for each argument and result.
    ///
    /// # Safety
    /// The code does whatever the file says.
    pub unsafe fn call(&self, k: usize, buffer: *mut u8) {
        let Ok(entry) = self.entries[k] else { return };
        unsafe {
            let tramp: extern "C" fn(usize, *mut u8) =
                std::mem::transmute(self.base.add(self.trampolines[k]));
            tramp(self.base as usize + entry, buffer);
        }
    }

    /// The trap recorded for an address in this code.
    pub fn trap_at(&self, pc: usize) -> Option<TrapCode> {
        self.traps.get(&pc.wrapping_sub(self.base as usize)).copied()
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        unsafe { libc::munmap(self.base.cast(), self.size) };
    }
}

extern "C" fn no_such_function() -> ! {
    std::process::abort()
}

/// Routines of the run time by address; those of floats are Rust's, which round as IEEE says.
fn libcall_address(call: LibCall) -> Option<usize> {
    extern "C" fn ceil32(x: f32) -> f32 { x.ceil() }
    extern "C" fn ceil64(x: f64) -> f64 { x.ceil() }
    extern "C" fn floor32(x: f32) -> f32 { x.floor() }
    extern "C" fn floor64(x: f64) -> f64 { x.floor() }
    extern "C" fn trunc32(x: f32) -> f32 { x.trunc() }
    extern "C" fn trunc64(x: f64) -> f64 { x.trunc() }
    extern "C" fn nearest32(x: f32) -> f32 { x.round_ties_even() }
    extern "C" fn nearest64(x: f64) -> f64 { x.round_ties_even() }
    extern "C" fn fma32(x: f32, y: f32, z: f32) -> f32 { x.mul_add(y, z) }
    extern "C" fn fma64(x: f64, y: f64, z: f64) -> f64 { x.mul_add(y, z) }
    Some(match call {
        LibCall::CeilF32 => ceil32 as *const () as usize,
        LibCall::CeilF64 => ceil64 as *const () as usize,
        LibCall::FloorF32 => floor32 as *const () as usize,
        LibCall::FloorF64 => floor64 as *const () as usize,
        LibCall::TruncF32 => trunc32 as *const () as usize,
        LibCall::TruncF64 => trunc64 as *const () as usize,
        LibCall::NearestF32 => nearest32 as *const () as usize,
        LibCall::NearestF64 => nearest64 as *const () as usize,
        LibCall::FmaF32 => fma32 as *const () as usize,
        LibCall::FmaF64 => fma64 as *const () as usize,
        LibCall::Memcpy => libc::memcpy as *const () as usize,
        LibCall::Memset => libc::memset as *const () as usize,
        LibCall::Memmove => libc::memmove as *const () as usize,
        LibCall::Memcmp => libc::memcmp as *const () as usize,
        _ => return None,
    })
}
