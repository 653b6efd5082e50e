;; The command answers at all: calls, results, traps.
(module
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "stop") (unreachable)))
(assert_return (invoke "add" (i32.const 41) (i32.const 1)) (i32.const 42))
(assert_trap (invoke "stop") "unreachable")
(assert_return (invoke "add" (i32.const -1) (i32.const 1)) (i32.const 0))
