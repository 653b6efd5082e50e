//! What emitted x86-64 code spends its instructions on: the frame, register moves, and loads in
//! innermost loops. One measure for every compiler, read off the bytes.
//!
//! Code is followed from its entry along branches, so that tables and constants behind or between
//! are not read as instructions. A jump through a table is followed when its address was taken by
//! a `lea` shortly before and its entries are 32-bit distances from the table.

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic,
    OpAccess, OpKind, Register,
};
use std::collections::BTreeMap;

#[derive(Default, Clone, Copy)]
pub struct Shape {
    pub insts: u64,
    pub frame: u64,       // with an operand in memory based on rsp, or rbp where it is the frame's
    pub moves: u64,       // between registers of one class
    pub inner_insts: u64, // in innermost loops
    pub inner_loads: u64, // of these, those that read memory
}

impl Shape {
    pub fn add(&mut self, other: Shape) {
        self.insts += other.insts;
        self.frame += other.frame;
        self.moves += other.moves;
        self.inner_insts += other.inner_insts;
        self.inner_loads += other.inner_loads;
    }

    /// The columns of both `compile --tsv` and `shares`.
    pub fn tsv(&self) -> String {
        format!(
            "{}\t{}\t{}\t{}\t{}",
            self.insts, self.frame, self.moves, self.inner_insts, self.inner_loads
        )
    }
}

/// Every instruction that can be reached from offset 0, by offset.
fn reachable(code: &[u8]) -> BTreeMap<u64, Instruction> {
    let mut seen = BTreeMap::new();
    let mut todo = vec![0u64];
    let mut decoder = Decoder::new(64, code, DecoderOptions::NONE);
    while let Some(start) = todo.pop() {
        let mut at = start;
        let mut table = None; // the last address taken by lea
        while (at as usize) < code.len() && !seen.contains_key(&at) {
            if decoder.set_position(at as usize).is_err() {
                break;
            }
            decoder.set_ip(at);
            let inst = decoder.decode();
            if inst.is_invalid() {
                break;
            }
            seen.insert(at, inst);
            at = inst.next_ip();
            match inst.flow_control() {
                FlowControl::ConditionalBranch => todo.push(inst.near_branch_target()),
                FlowControl::UnconditionalBranch => {
                    todo.push(inst.near_branch_target());
                    break;
                }
                FlowControl::IndirectBranch => {
                    if let Some(table) = table {
                        todo.extend(table_targets(code, table));
                    }
                    break;
                }
                FlowControl::Return | FlowControl::Exception => break,
                _ => {}
            }
            if inst.mnemonic() == Mnemonic::Lea && inst.is_ip_rel_memory_operand() {
                table = Some(inst.ip_rel_memory_address());
            }
        }
    }
    seen
}

/// The targets of a jump table: entries up to the first that leads out of the code, or up to the
/// first target that stands behind the table.
fn table_targets(code: &[u8], table: u64) -> Vec<u64> {
    let mut targets = Vec::new();
    let mut end = code.len() as u64;
    let mut at = table;
    while at + 4 <= end {
        let entry = &code[at as usize..at as usize + 4];
        let distance = i32::from_le_bytes(entry.try_into().unwrap());
        let target = table.wrapping_add(distance as i64 as u64);
        if target >= code.len() as u64 {
            break;
        }
        if target > at {
            end = end.min(target);
        }
        targets.push(target);
        at += 4;
    }
    targets
}

fn is_move(i: &Instruction) -> bool {
    let plain = matches!(
        i.mnemonic(),
        Mnemonic::Mov
            | Mnemonic::Movaps
            | Mnemonic::Movapd
            | Mnemonic::Movups
            | Mnemonic::Movupd
            | Mnemonic::Movdqa
            | Mnemonic::Movdqu
            | Mnemonic::Movss
            | Mnemonic::Movsd
            | Mnemonic::Vmovaps
            | Mnemonic::Vmovapd
            | Mnemonic::Vmovups
            | Mnemonic::Vmovupd
            | Mnemonic::Vmovdqa
            | Mnemonic::Vmovdqu
    );
    let registers = i.op_count() == 2
        && i.op0_kind() == OpKind::Register
        && i.op1_kind() == OpKind::Register;
    plain && registers && i.op0_register() != Register::RSP && i.op1_register() != Register::RSP
}

fn has_memory_operand(i: &Instruction) -> bool {
    let any = (0..i.op_count()).any(|k| i.op_kind(k) == OpKind::Memory);
    any && !matches!(i.mnemonic(), Mnemonic::Lea | Mnemonic::Nop)
}

fn reads_memory(i: &Instruction, info: &mut InstructionInfoFactory) -> bool {
    has_memory_operand(i)
        && (0..i.op_count()).any(|k| {
            i.op_kind(k) == OpKind::Memory
                && matches!(
                    info.info(i).op_access(k),
                    OpAccess::Read
                        | OpAccess::CondRead
                        | OpAccess::ReadWrite
                        | OpAccess::ReadCondWrite
                )
        })
}

/// Whether the prologue makes rbp the frame pointer; else it is a register like any other.
fn has_frame_pointer(insts: &BTreeMap<u64, Instruction>) -> bool {
    let mut first = insts.values().take(8);
    first.any(|i| {
        matches!(i.code(), Code::Mov_r64_rm64 | Code::Mov_rm64_r64)
            && i.op0_register() == Register::RBP
            && i.op1_register() == Register::RSP
    })
}

/// Intervals of a backward branch and its target that hold no other such interval.
fn innermost_loops(insts: &BTreeMap<u64, Instruction>) -> Vec<(u64, u64)> {
    let mut loops: Vec<(u64, u64)> = insts
        .values()
        .filter(|i| {
            let flow = i.flow_control();
            matches!(flow, FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch)
                && i.near_branch_target() <= i.ip()
        })
        .map(|i| (i.near_branch_target(), i.ip()))
        .collect();
    loops.sort_by_key(|l| (l.1, std::cmp::Reverse(l.0)));
    // By end, the latest start first: an interval is innermost when no earlier one starts in it.
    let mut inner = Vec::new();
    let mut last_start = None;
    for l in loops {
        if last_start.is_none_or(|s| s < l.0) {
            inner.push(l);
            last_start = Some(l.0);
        }
    }
    inner
}

pub fn of_code(code: &[u8]) -> Shape {
    let insts = reachable(code);
    let frame_pointer = has_frame_pointer(&insts);
    let mut info = InstructionInfoFactory::new();
    let mut shape = Shape::default();
    for i in insts.values() {
        let base = i.memory_base();
        let frame = base == Register::RSP || base == Register::RBP && frame_pointer;
        shape.insts += 1;
        shape.frame += u64::from(frame && has_memory_operand(i));
        shape.moves += u64::from(is_move(i));
    }
    for (start, end) in innermost_loops(&insts) {
        for i in insts.range(start..=end).map(|e| e.1) {
            shape.inner_insts += 1;
            shape.inner_loads += u64::from(reads_memory(i, &mut info));
        }
    }
    shape
}

/// `clpeer shares FILE`: code of any compiler, each function as its length (32 bits, little-endian)
/// and its bytes. Prints one line: instructions, frame, moves, inner instructions, inner loads.
pub fn of_file(path: &str) -> u8 {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) => {
            eprintln!("{path}: {e}");
            return 2;
        }
    };
    let mut shape = Shape::default();
    let mut rest = &bytes[..];
    while let Some((len, tail)) = rest.split_first_chunk::<4>() {
        let len = u32::from_le_bytes(*len) as usize;
        if len > tail.len() {
            eprintln!("{path}: truncated");
            return 2;
        }
        shape.add(of_code(&tail[..len]));
        rest = &tail[len..];
    }
    println!("{}", shape.tsv());
    0
}
