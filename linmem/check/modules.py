"""The modules that the self-check plays with, as bytes, because a driver author needs no assembler."""

from __future__ import annotations

import base64

# Functions of every number type, loads and stores, traps, growth; bytes at 16 for the readers.
#   (module
#     (memory (export "memory") 1 3)
#     (data (i32.const 16) "\81\92\a3\b4\c5\d6\e7\f8")
#     (func (export "sub") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
#     (func (export "sub64") (param i64 i64) (result i64) (i64.sub (local.get 0) (local.get 1)))
#     (func (export "f32_to_bits") (param f32) (result i32) (i32.reinterpret_f32 (local.get 0)))
#     (func (export "f32_of_bits") (param i32) (result f32) (f32.reinterpret_i32 (local.get 0)))
#     (func (export "f64_to_bits") (param f64) (result i64) (i64.reinterpret_f64 (local.get 0)))
#     (func (export "f64_of_bits") (param i64) (result f64) (f64.reinterpret_i64 (local.get 0)))
#     (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
#     (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
#     (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
#     (func (export "unreachable") (unreachable))
#     (func (export "size") (result i32) (memory.size)))
BASIC = bytes.fromhex(
    "0061736d0100000001320a60027f7f017f60027e7e017e60017d017f60017f017d60017c017e60017e017c60017f017f"
    "60027f7f006000006000017f030c0b0001020304050607000809050401010103077d0c066d656d6f7279020003737562"
    "000005737562363400010b6633325f746f5f6269747300020b6633325f6f665f6269747300030b6636345f746f5f6269"
    "747300040b6636345f6f665f626974730005046c6f616400060573746f726500070664697669646500080b756e726561"
    "636861626c6500090473697a65000a0a4c0b0700200020016b0b0700200020017d0b05002000bc0b05002000be0b0500"
    "2000bd0b05002000bf0b070020002d00000b0900200020013a00000b0700200020016d0b0300000b04003f000b0b0e01"
    "0041100b088192a3b4c5d6e7f8"
)

# Two results, for hosts with multi-value.
#   (module (func (export "swap") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0)))
TWO_RESULTS = bytes.fromhex("0061736d0100000001080160027f7e027e7f03020100070801047377617000000a08010600200120000b")

# Host functions: one with arguments of every type, one that the guest calls between two uses of its memory.
#   (module
#     (import "env" "mix" (func $mix (param i32 i64 f32 f64) (result i64)))
#     (import "env" "visit" (func $visit (param i32) (result i32)))
#     (memory (export "memory") 1)
#     (func (export "mix") (result i64)
#       (call $mix (i32.const -1) (i64.const -2) (f32.const 1.5) (f64.const -0.0)))
#     (func (export "visit") (param i32) (result i32)
#       (i32.store8 (i32.const 1) (local.get 0))
#       (i32.add (call $visit (local.get 0)) (i32.load8_u (i32.const 0)))))
HOST = bytes.fromhex(
    "0061736d0100000001120360047f7e7d7c017e60017f017f6000017e02170203656e76036d6978000003656e76057669"
    "736974000103030202010503010001071803066d656d6f72790200036d6978000205766973697400030a2c021600417f"
    "427e430000c03f44000000000000008010000b1300410120003a00002000100141002d00006a0b0014046e616d65010d"
    "0200036d697801057669736974"
)

# A host function that returns a float.
#   (module
#     (import "env" "half" (func $half (param f64) (result f32)))
#     (func (export "half") (param f64) (result f32) (call $half (local.get 0))))
FLOATS = bytes.fromhex(
    "0061736d0100000001060160017c017d020c0103656e760468616c660000030201000708010468616c6600010a080106"
    "00200010000b000e046e616d65010701000468616c66"
)

# Writes into a memory that it imports.
#   (module
#     (import "env" "memory" (memory 1 2))
#     (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1))))
NEEDS_MEMORY = bytes.fromhex(
    "0061736d0100000001060160027f7f0002100103656e76066d656d6f727902010102030201000709010573746f726500"
    "000a0b010900200020013a00000b"
)

# Imports a memory of at least two pages.
#   (module (import "env" "memory" (memory 2)))
NEEDS_LARGE_MEMORY = bytes.fromhex("0061736d01000000020f0103656e76066d656d6f7279020002")

# Gives back a global that it imports.
#   (module
#     (import "env" "base" (global i64))
#     (func (export "base") (result i64) (global.get 0)))
NEEDS_GLOBAL = bytes.fromhex(
    "0061736d010000000105016000017e020d0103656e760462617365037e0003020100070801046261736500000a0601040023000b"
)

# A global that it counts up.
#   (module
#     (global $counter (export "counter") (mut i32) (i32.const 7))
#     (func (export "count") (global.set $counter (i32.add (global.get $counter) (i32.const 1)))))
COUNTER = bytes.fromhex(
    "0061736d01000000010401600000030201000606017f0141070b07130207636f756e746572030005636f756e7400000a"
    "0b010900230041016a24000b0011046e616d65070a010007636f756e746572"
)

# Calls a function that it imports.
#   (module
#     (import "env" "sub" (func $sub (param i32 i32) (result i32)))
#     (func (export "twice") (param i32 i32) (result i32)
#       (call $sub (call $sub (local.get 0) (local.get 1)) (local.get 1))))
NEEDS_FUNCTION = bytes.fromhex(
    "0061736d0100000001070160027f7f017f020b0103656e760373756200000302010007090105747769636500010a0e01"
    "0c00200020011000200110000b000d046e616d650106010003737562"
)

# A reactor that uses WASI.
#   (module
#     (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
#     (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
#     (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
#     (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
#     (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
#     (import "wasi_snapshot_preview1" "path_open" (func $open
#       (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
#     (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
#     (memory (export "memory") 1)
#     (func (export "_initialize") (i32.store8 (i32.const 0) (i32.const 1)))
#     (func (export "args_sizes") (param i32 i32) (result i32) (call $args_sizes (local.get 0) (local.get 1)))
#     (func (export "args") (param i32 i32) (result i32) (call $args (local.get 0) (local.get 1)))
#     (func (export "environ") (param i32 i32) (result i32) (call $environ (local.get 0) (local.get 1)))
#     (func (export "read") (param i32 i32 i32 i32) (result i32)
#       (call $read (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
#     (func (export "write") (param i32 i32 i32 i32) (result i32)
#       (call $write (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
#     (func (export "open") (param i32 i32 i32 i32) (result i32)
#       (call $open (local.get 0) (i32.const 0) (local.get 1) (local.get 2) (i32.const 0)
#         (i64.const 2) (i64.const 0) (i32.const 0) (local.get 3)))
#     (func (export "exit") (param i32) (call $exit (local.get 0))))
WASI = bytes.fromhex(
    "0061736d0100000001230560027f7f017f60047f7f7f7f017f60097f7f7f7f7f7e7e7f7f017f60017f0060000002f901"
    "0716776173695f736e617073686f745f70726576696577310e617267735f73697a65735f676574000016776173695f73"
    "6e617073686f745f707265766965773108617267735f676574000016776173695f736e617073686f745f707265766965"
    "77310b656e7669726f6e5f676574000016776173695f736e617073686f745f70726576696577310766645f7265616400"
    "0116776173695f736e617073686f745f70726576696577310866645f7772697465000116776173695f736e617073686f"
    "745f707265766965773109706174685f6f70656e000216776173695f736e617073686f745f7072657669657731097072"
    "6f635f65786974000303090804000000010101030503010001075309066d656d6f727902000b5f696e697469616c697a"
    "6500070a617267735f73697a657300080461726773000907656e7669726f6e000a0472656164000b057772697465000c"
    "046f70656e000d0465786974000e0a5e080900410041013a00000b08002000200110000b08002000200110010b080020"
    "00200110020b0c00200020012002200310030b0c00200020012002200310040b16002000410020012002410042024200"
    "4100200310050b0600200010060b003c046e616d65013507000a617267735f73697a65730104617267730207656e7669"
    "726f6e0304726561640405777269746505046f70656e060465786974"
)

# Its start function calls the host.
#   (module
#     (import "env" "visit" (func $visit (param i32) (result i32)))
#     (func $init (drop (call $visit (i32.const 1))))
#     (start $init))
CALLS_AT_START = bytes.fromhex(
    "0061736d0100000001090260017f017f600000020d0103656e760576697369740000030201010801010a090107004101"
    "10001a0b0015046e616d65010e02000576697369740104696e6974"
)

# Its start function traps.
#   (module (func $start (unreachable)) (start $start))
TRAPS_AT_START = bytes.fromhex(
    "0061736d01000000010401600000030201000801000a05010300000b000f046e616d6501080100057374617274"
)

# A shared memory of its own.
#   (module
#     (memory (export "memory") 1 2 shared)
#     (func (export "load") (param i32) (result i32) (i32.atomic.load (local.get 0))))
SHARED = bytes.fromhex(
    "0061736d0100000001060160017f017f03020100050401030102071102066d656d6f72790200046c6f616400000a0a0108002000fe1002000b"
)

# What agents call, on a shared memory that they import.
#   (module
#     (import "env" "memory" (memory 1 2 shared))
#     (func (export "add") (param i32 i32) (result i32) (i32.atomic.rmw.add (local.get 0) (local.get 1)))
#     (func (export "wait") (result i32)
#       (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.const 3000000000)))
#     (func (export "wake") (result i32) (local $woken i32) (local $tries i32)
#       (loop $again
#         (local.set $woken (memory.atomic.notify (i32.const 8) (i32.const 1)))
#         (drop (memory.atomic.wait32 (i32.const 16) (i32.const 0) (i64.const 1000000)))
#         (br_if $again (i32.and
#           (i32.eqz (local.get $woken))
#           (i32.lt_u (local.tee $tries (i32.add (local.get $tries) (i32.const 1))) (i32.const 3000)))))
#       (local.get $woken))
#     (func (export "unreachable") (unreachable)))
AGENT = bytes.fromhex(
    "0061736d01000000010e0360027f7f017f6000017f60000002100103656e76066d656d6f727902030102030504000101"
    "02072304036164640000047761697400010477616b6500020b756e726561636861626c6500030a53040a0020002001fe"
    "1e02000b1000410841004280bcc1960bfe0102000b3101027f034041084101fe00020021004110410042c0843dfe0102"
    "001a200045200141016a220141b81749710d000b20000b0300000b0024046e616d6502110102020005776f6b656e0105"
    "7472696573030a0102010005616761696e"
)

# Well-formed, but invalid: it promises a result and gives none.
#   (module (func (result i32)))
INVALID = bytes.fromhex("0061736d010000000105016000017f030201000a040102000b")

# Not well-formed: the type section is cut off.
MALFORMED = bytes.fromhex("0061736d0100000001")


def base64_of(module: bytes) -> str:
    """A module as it travels."""
    return base64.b64encode(module).decode()
