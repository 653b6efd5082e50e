//! `clpeer build`: ns an instruction through Cranelift's FunctionBuilder, for the two functions
//! that bench/build.c builds through Gantry's.

use crate::Options;
use crate::host::{self, SETTINGS, median};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, Function, InstBuilder, MemFlagsData, Signature, UserFuncName, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use std::time::Instant;

const FUNCTIONS: usize = 2000;
const VARS: usize = 8;

fn build_straight(b: &mut FunctionBuilder, params: &[Value]) {
    let (x, mut y) = (params[0], params[1]);
    let flags = MemFlagsData::new().with_notrap();
    for k in 0..40 {
        let c = b.ins().iconst(types::I64, k);
        let t = b.ins().iadd(x, c);
        let product = b.ins().imul(t, y);
        let loaded = b.ins().load(types::I64, flags, x, 8 * k as i32);
        y = b.ins().bxor(product, loaded);
        b.ins().store(flags, y, x, 8 * k as i32);
    }
    b.ins().return_(&[y]);
}

fn statement(b: &mut FunctionBuilder, base: Value, at: &[Variable], k: usize) {
    let flags = MemFlagsData::new().with_notrap();
    let x = b.use_var(at[k % VARS]);
    let y = b.use_var(at[(k + 3) % VARS]);
    let c = b.ins().iconst(types::I64, k as i64 + 1);
    let product = b.ins().imul(y, c);
    let sum = b.ins().iadd(x, product);
    let loaded = b.ins().load(types::I64, flags, base, 8 * k as i32);
    let t = b.ins().bxor(sum, loaded);
    b.ins().store(flags, t, base, 8 * k as i32);
    b.def_var(at[(k + 1) % VARS], t);
}

fn build_variables(b: &mut FunctionBuilder, params: &[Value]) {
    let one = b.ins().iconst(types::I64, 1);
    let at: Vec<_> = (0..VARS).map(|_| b.declare_var(types::I64)).collect();
    for (k, var) in at.iter().enumerate() {
        b.def_var(*var, params[k & 1]);
    }
    for k in 0..VARS {
        let blocks: Vec<_> = (0..5).map(|_| b.create_block()).collect();
        let [header, then, otherwise, join, next] = blocks[..] else { unreachable!() };
        b.ins().jump(header, &[]);
        b.switch_to_block(header);
        statement(b, params[0], &at, k);
        let x = b.use_var(at[k]);
        let y = b.use_var(at[(k + 1) % VARS]);
        let less = b.ins().icmp(IntCC::UnsignedLessThan, x, y);
        b.ins().brif(less, then, &[], otherwise, &[]);
        b.seal_block(then);
        b.seal_block(otherwise);
        b.switch_to_block(then);
        statement(b, params[0], &at, k + 2);
        b.ins().jump(join, &[]);
        b.switch_to_block(otherwise);
        let less = b.ins().isub(x, one);
        b.def_var(at[k], less);
        b.ins().jump(join, &[]);
        b.seal_block(join);
        b.switch_to_block(join);
        statement(b, params[0], &at, k + 4);
        let x = b.use_var(at[k]);
        let odd = b.ins().band(x, one);
        b.ins().brif(odd, header, &[], next, &[]);
        b.seal_block(header);
        b.seal_block(next);
        b.switch_to_block(next);
    }
    let result = b.use_var(at[VARS - 1]);
    b.ins().return_(&[result]);
}

/// Prints ns an instruction of each, one number a line.
pub fn build(options: &Options) -> u8 {
    let isa = host::isa_of_host(SETTINGS[0], options.baseline);
    let frontend = isa.frontend_config();
    for body in [build_straight, build_variables] {
        let mut ctx = FunctionBuilderContext::new();
        let mut times = Vec::new();
        let mut insts = 0;
        for rep in 0..=options.reps {
            let start = Instant::now();
            for _ in 0..FUNCTIONS {
                let mut sig = Signature::new(CallConv::SystemV);
                sig.params.extend([AbiParam::new(types::I64); 2]);
                sig.returns.push(AbiParam::new(types::I64));
                let mut f = Function::with_name_signature(UserFuncName::testcase("f"), sig);
                let mut b = FunctionBuilder::new(&mut f, &mut ctx);
                let entry = b.create_block();
                b.append_block_params_for_function_params(entry);
                b.switch_to_block(entry);
                b.seal_block(entry);
                let params = b.block_params(entry).to_vec();
                body(&mut b, &params);
                b.seal_all_blocks();
                b.finalize(frontend);
                insts = std::hint::black_box(&f).dfg.num_insts();
            }
            if rep > 0 {
                times.push(start.elapsed().as_nanos() as u64);
            }
        }
        println!("{:.1}", median(&mut times) as f64 / FUNCTIONS as f64 / insts as f64);
    }
    0
}
