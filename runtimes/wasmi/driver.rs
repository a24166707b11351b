//! Wasmi through its Rust API, the crate `wasmi` (<https://docs.rs/wasmi>).
//!
//! One `Engine` per process, one `Store` per scenario. Ways into memory:
//!
//! `read_write`  `Memory::read` and `Memory::write`, which copy bytes. Keeping this view keeps the `Memory`, a handle.
//! `data`        the slice `&[u8]` of `Memory::data`, which can only be read.
//! `data_mut`    the slice `&mut [u8]` of `Memory::data_mut`.
//! `data_ptr`    the raw pointer of `Memory::data_ptr`, which checks nothing.
//!
//! What is in the type system: offsets are `usize` and pages `u64`, so that a negative one cannot be passed; values are
//! bytes or have a Rust type, so that none is out of its range. Both slices borrow the store. While one is kept, no guest
//! can be called and no memory grown: a stale slice does not compile. Only `data_ptr` can be stale.
//!
//! Memories are from the heap. The driver has the kit's allocator, so that a stray pointer ends the process.
//!
//! Wasmi has no threads and no shared memories. The crate's feature `simd`, and in `Config` custom page sizes, are on;
//! both are off by default. `Func`, `Memory` and `Global` have no `==`.
//!
//! WASI is the crate `wasmi_wasi`, of preview 1: a `WasiCtx` in the store's data. Where its functions end the guest's
//! execution, the error is a plain text (`Error::new`). That is told as a trap.

use std::path::Path;

use linmem_kit::guarded::Guarded;
use linmem_kit::pointers::Pointer;
use linmem_kit::slices::{Slice, SliceMut};
use linmem_kit::{
    About, Borrow, Failure, Given, Import, Integer, Kind, Loan, MemoryType, NewMemory, Reading, Value, ValueType, View,
    ViewKind, Wasi, Way, locked_version, serve,
};
use wasmi::errors::{ErrorKind, HostError, InstantiationError, MemoryError};
use wasmi::{
    AsContext, AsContextMut, Caller, Config, Engine, Error, Extern, F32, F64, Func, FuncType, Global, Instance, Linker,
    Memory, MemoryType as MemoryShape, Module, Mutability, Store, StoreContext, StoreContextMut, TrapCode, Val,
    ValType,
};
use wasmi_wasi::{Dir, WasiCtx, WasiCtxBuilder, ambient_authority};

#[global_allocator]
static GUARDED: Guarded = Guarded;

struct Driver {
    engine: Engine,
}

/// The store's data.
#[derive(Default)]
struct Data {
    wasi: Option<(Wasi, WasiCtx)>,
}

enum Context<'c> {
    Store(&'c mut Store<Data>),
    Caller(Caller<'c, Data>),
}

impl AsContext for Context<'_> {
    type Data = Data;

    fn as_context(&self) -> StoreContext<'_, Data> {
        match self {
            Self::Store(store) => store.as_context(),
            Self::Caller(caller) => caller.as_context(),
        }
    }
}

impl AsContextMut for Context<'_> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, Data> {
        match self {
            Self::Store(store) => store.as_context_mut(),
            Self::Caller(caller) => caller.as_context_mut(),
        }
    }
}

/// A scenario's error on its way through the guest.
#[derive(Debug)]
struct Thrown(linmem_kit::Thrown);

impl HostError for Thrown {}

impl std::fmt::Display for Thrown {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// `Memory::read` and `Memory::write`.
struct ReadWrite(Memory);

impl Way<Driver> for ReadWrite {
    fn read(
        &self,
        store: &mut Borrow<'_, '_, Driver>,
        at: Integer,
        memory_type: MemoryType,
        count: Integer,
    ) -> Result<Reading, Failure> {
        let mut bytes = vec![0; count.usize()? * memory_type.width()];
        self.0.read(store.shared(), at.usize()?, &mut bytes).map_err(|error| Failure::host(&error))?;
        Ok(Reading::Bytes(bytes))
    }

    fn write(
        &self,
        store: &mut Borrow<'_, '_, Driver>,
        at: Integer,
        _: MemoryType,
        value: &[u8],
    ) -> Result<(), Failure> {
        self.0.write(store.exclusive(), at.usize()?, value).map_err(|error| Failure::host(&error))
    }

    fn length(&self, store: &mut Borrow<'_, '_, Driver>) -> Result<u64, Failure> {
        Ok(self.0.data_size(store.shared()) as u64)
    }
}

impl linmem_kit::Driver for Driver {
    type Store = Store<Data>;
    type Context<'c> = Context<'c>;
    type Module = Module;
    type Instance = Instance;
    type Function = Func;
    type Memory = Memory;
    type Global = Global;
    type AgentSeed = ();
    type Agent = ();

    fn new(variant: Option<&str>, _: Option<&Path>) -> Result<Self, Failure> {
        if let Some(variant) = variant {
            return Err(Failure::unsupported(format!("wasmi has no variant {variant}")));
        }
        let mut config = Config::default();
        config.wasm_custom_page_sizes(true);
        Ok(Self { engine: Engine::new(&config) })
    }

    fn about(&self) -> About {
        let version = locked_version(include_str!("Cargo.lock"), "wasmi");
        let views = ["read_write", "data", "data_mut", "data_ptr"];
        About {
            name: "wasmi",
            engine: format!("Wasmi {version}, an interpreter"),
            version,
            views: views.map(|kind| ViewKind { kind, unit: 1, types: MemoryType::ALL.to_vec() }).into(),
            wasi: &["preview1"],
        }
    }

    fn store(&self) -> Store<Data> {
        Store::new(&self.engine, Data::default())
    }

    fn context(store: &mut Store<Data>) -> Context<'_> {
        Context::Store(store)
    }

    fn default_view(&self, _: Option<&Memory>, _: MemoryType) -> Option<&'static str> {
        Some("read_write")
    }

    fn module_compile(&self, code: &[u8]) -> Result<Module, Failure> {
        Module::new(&self.engine, code).map_err(|error| Failure::of(Kind::Compile, &error))
    }

    fn instance_create(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        module: &Module,
        imports: Vec<Import<Self>>,
    ) -> Result<Instance, Failure> {
        let linker = self.linker(store, imports)?;
        linker.instantiate_and_start(store.exclusive(), module).map_err(not_instantiated)
    }

    fn wasi_instance_create(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        module: &Module,
        imports: Vec<Import<Self>>,
        wasi: Wasi,
    ) -> Result<Instance, Failure> {
        let mut context = store.exclusive().as_context_mut();
        let data = context.data_mut();
        if data.wasi.as_ref().is_some_and(|(given, _)| *given != wasi) {
            return Err(Failure::unsupported(
                "a store's data has one WasiCtx, and this scenario's has another already",
            ));
        }
        if data.wasi.is_none() {
            data.wasi = Some((wasi.clone(), context_of(&wasi)?));
        }
        let mut linker = self.linker(store, imports)?;
        wasmi_wasi::add_to_linker(&mut linker, |data: &mut Data| &mut data.wasi.as_mut().expect("it was made").1)
            .map_err(|error| Failure::of(Kind::Link, &error))?;
        let instance = linker.instantiate_and_start(store.exclusive(), module).map_err(not_instantiated)?;
        if let Some(initialize) = instance.get_func(store.shared(), "_initialize") {
            initialize.call(store.exclusive(), &[], &mut []).map_err(failure)?;
        }
        Ok(instance)
    }

    fn function_export(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        instance: &Instance,
        name: &str,
    ) -> Result<Func, Failure> {
        let found = instance.get_func(store.shared(), name);
        found.ok_or_else(|| Failure::none(format!("get_func gave None for {name:?}")))
    }

    fn function_call(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        function: &Func,
        args: &[Value],
        results: &[ValueType],
    ) -> Result<Vec<Value>, Failure> {
        let args: Vec<Val> = args.iter().copied().map(to_val).collect();
        let mut given = results.iter().map(|result| Val::default_for_ty(shape(*result))).collect::<Vec<_>>();
        function.call(store.exclusive(), &args, &mut given).map_err(failure)?;
        given.iter().map(from_val).collect()
    }

    fn memory_export(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        instance: &Instance,
        name: &str,
    ) -> Result<Memory, Failure> {
        let found = instance.get_memory(store.shared(), name);
        found.ok_or_else(|| Failure::none(format!("get_memory gave None for {name:?}")))
    }

    fn memory_caller(&self, store: &mut Borrow<'_, '_, Self>, name: &str) -> Result<Memory, Failure> {
        let Context::Caller(caller) = store.shared() else {
            return Err(Failure::unsupported("no host function runs"));
        };
        let found = caller.get_export(name).and_then(Extern::into_memory);
        found.ok_or_else(|| Failure::none(format!("get_export gave no memory for {name:?}")))
    }

    fn memory_create(&self, store: &mut Borrow<'_, '_, Self>, memory: NewMemory) -> Result<Memory, Failure> {
        if memory.shared {
            return Err(Failure::unsupported("Wasmi has no shared memories"));
        }
        let mut shape = MemoryShape::builder();
        shape.min(memory.min.u64()?).max(memory.max.map(Integer::u64).transpose()?).memory64(memory.memory64);
        shape.page_size_log2(memory.page_size_log2()?);
        let shape = shape.build().map_err(|error| Failure::host(&error))?;
        Memory::new(store.exclusive(), shape).map_err(|error| Failure::host(&error))
    }

    fn memory_size(&self, store: &mut Borrow<'_, '_, Self>, memory: &Memory) -> Result<u64, Failure> {
        Ok(memory.size(store.shared()))
    }

    fn memory_grow(&self, store: &mut Borrow<'_, '_, Self>, memory: &Memory, delta: Integer) -> Result<u64, Failure> {
        memory.grow(store.exclusive(), delta.u64()?).map_err(|error| Failure::host(&error))
    }

    fn view_open<'a>(
        &self,
        mut store: Borrow<'a, '_, Self>,
        memory: &'a Memory,
        kind: &str,
        offset: Option<Integer>,
        length: Option<Integer>,
    ) -> Result<View<'a, Self>, Failure> {
        Ok(match kind {
            "data" => {
                let slice = Slice::new(memory.data(store.into_shared().as_context()), offset, length)?;
                View::Borrowed(Box::new(slice), Loan::Shared)
            }
            "data_mut" => {
                let slice = SliceMut::new(memory.data_mut(store.into_exclusive().as_context_mut()), offset, length)?;
                View::Borrowed(Box::new(slice), Loan::Exclusive)
            }
            "data_ptr" => View::Free(Box::new(Pointer::new(memory.data_ptr(store.shared()), offset, length)?)),
            _ if offset.is_some() || length.is_some() => {
                return Err(Failure::unsupported(
                    "Memory::read and Memory::write have no views with an offset or a length",
                ));
            }
            _ => View::Free(Box::new(ReadWrite(*memory))),
        })
    }

    fn global_create(&self, store: &mut Borrow<'_, '_, Self>, value: Value, mutable: bool) -> Result<Global, Failure> {
        let mutability = if mutable { Mutability::Var } else { Mutability::Const };
        Ok(Global::new(store.exclusive(), to_val(value), mutability))
    }

    fn global_export(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        instance: &Instance,
        name: &str,
    ) -> Result<Global, Failure> {
        let found = instance.get_global(store.shared(), name);
        found.ok_or_else(|| Failure::none(format!("get_global gave None for {name:?}")))
    }

    fn global_get(&self, store: &mut Borrow<'_, '_, Self>, global: &Global) -> Result<Value, Failure> {
        from_val(&global.get(store.shared()))
    }

    fn global_set(&self, store: &mut Borrow<'_, '_, Self>, global: &Global, value: Value) -> Result<(), Failure> {
        global.set(store.exclusive(), to_val(value)).map_err(|error| Failure::host(&error))
    }
}

impl Driver {
    /// Imports by name. A module may import one name twice.
    fn linker(&self, store: &mut Borrow<'_, '_, Self>, imports: Vec<Import<Self>>) -> Result<Linker<Data>, Failure> {
        let mut linker = Linker::new(&self.engine);
        linker.allow_shadowing(true);
        for Import { module, name, given } in imports {
            let item: Extern = match given {
                Given::Memory(memory) => memory.into(),
                Given::Global(global) => global.into(),
                Given::Export(instance, export) => {
                    let found = instance.get_export(store.shared(), &export);
                    found.ok_or_else(|| Failure::none(format!("get_export gave None for {export:?}")))?
                }
                Given::Function(function) => {
                    let (params, results) = (shapes(&function.params), shapes(&function.results));
                    let called = move |caller: Caller<'_, Data>, args: &[Val], results: &mut [Val]| {
                        let args = args.iter().map(from_val).collect::<Result<Vec<_>, _>>();
                        let args = args.map_err(|_| Error::new("the driver passes no values of this type"))?;
                        let given = function.call(&mut Context::Caller(caller), &args).map_err(thrown)?;
                        for (result, value) in results.iter_mut().zip(given) {
                            *result = to_val(value);
                        }
                        Ok(())
                    };
                    Func::new(store.exclusive(), FuncType::new(params, results), called).into()
                }
                Given::New(..) => return Err(Failure::unsupported("Wasmi has no threads")),
            };
            linker.define(&module, &name, item).map_err(|error| Failure::of(Kind::Link, &error))?;
        }
        Ok(linker)
    }
}

fn shape(value_type: ValueType) -> ValType {
    match value_type {
        ValueType::I32 => ValType::I32,
        ValueType::I64 => ValType::I64,
        ValueType::F32 => ValType::F32,
        ValueType::F64 => ValType::F64,
        ValueType::V128 => ValType::V128,
        ValueType::FuncRef => ValType::FuncRef,
        ValueType::ExternRef => ValType::ExternRef,
    }
}

fn shapes(types: &[ValueType]) -> Vec<ValType> {
    types.iter().copied().map(shape).collect()
}

fn to_val(value: Value) -> Val {
    match value {
        Value::I32(value) => Val::I32(value),
        Value::I64(value) => Val::I64(value),
        Value::F32(bits) => Val::F32(F32::from_bits(bits)),
        Value::F64(bits) => Val::F64(F64::from_bits(bits)),
    }
}

fn from_val(value: &Val) -> Result<Value, Failure> {
    Ok(match value {
        Val::I32(value) => Value::I32(*value),
        Val::I64(value) => Value::I64(*value),
        Val::F32(value) => Value::F32(value.to_bits()),
        Val::F64(value) => Value::F64(value.to_bits()),
        other => return Err(Failure::unsupported(format!("the driver passes no values like {other:?}"))),
    })
}

/// A scenario's trap is an error with a text: the API has no other of one's own.
fn thrown(thrown: linmem_kit::Thrown) -> Error {
    if thrown.trap { Error::new(thrown.message) } else { Error::host(Thrown(thrown)) }
}

/// Why a guest's execution ended.
fn failure(error: Error) -> Failure {
    match error.kind() {
        ErrorKind::TrapCode(TrapCode::TableOutOfBounds) => {
            Failure::trap(error.to_string(), &error).meaning(&["out of bounds table access", "undefined element"])
        }
        ErrorKind::TrapCode(code) => Failure::trap(specified(*code), &error),
        ErrorKind::Message(_) => Failure::trap(error.to_string(), &error),
        ErrorKind::I32ExitStatus(status) => Failure::of(Kind::Exit, &error).with_message(status.to_string()),
        ErrorKind::Host(host) => match host.downcast_ref::<Thrown>() {
            Some(thrown) => thrown.0.failure(),
            None => Failure::host(&error),
        },
        _ => Failure::host(&error),
    }
}

/// Why there is no instance. A segment that does not fit is what the specification calls a trap.
fn not_instantiated(error: Error) -> Failure {
    match error.kind() {
        ErrorKind::Memory(MemoryError::OutOfBoundsAccess) => Failure::trap("out of bounds memory access", &error),
        ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => {
            Failure::trap("out of bounds table access", &error)
        }
        ErrorKind::Linker(_) | ErrorKind::Instantiation(_) | ErrorKind::Memory(_) | ErrorKind::Table(_) => {
            Failure::of(Kind::Link, &error)
        }
        _ => failure(error),
    }
}

/// The specification's words.
fn specified(code: TrapCode) -> String {
    match code {
        TrapCode::UnreachableCodeReached => "unreachable".into(),
        TrapCode::MemoryOutOfBounds => "out of bounds memory access".into(),
        TrapCode::IndirectCallToNull => "uninitialized element".into(),
        TrapCode::IntegerDivisionByZero => "integer divide by zero".into(),
        TrapCode::IntegerOverflow => "integer overflow".into(),
        TrapCode::BadConversionToInteger => "invalid conversion to integer".into(),
        TrapCode::StackOverflow => "call stack exhausted".into(),
        TrapCode::BadSignature => "indirect call type mismatch".into(),
        other => other.to_string(),
    }
}

/// Standard input is empty unless it is set.
fn context_of(wasi: &Wasi) -> Result<WasiCtx, Failure> {
    let mut builder = WasiCtxBuilder::new();
    builder.inherit_stdout().inherit_stderr();
    builder.args(&wasi.args).map_err(|error| Failure::host(&error))?;
    builder.envs(&wasi.env).map_err(|error| Failure::host(&error))?;
    for (guest, host) in &wasi.preopens {
        let folder = Dir::open_ambient_dir(host, ambient_authority()).map_err(|error| Failure::host(&error))?;
        builder.preopened_dir(folder, guest).map_err(|error| Failure::host(&error))?;
    }
    Ok(builder.build())
}

fn main() {
    serve::<Driver>()
}
