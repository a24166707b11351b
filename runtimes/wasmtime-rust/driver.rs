//! Wasmtime through its Rust API, the crate `wasmtime` (<https://docs.rs/wasmtime>).
//!
//! One `Engine` per process, one `Store` per scenario. Ways into memory:
//!
//! `read_write`  `Memory::read` and `Memory::write`, which copy bytes. Keeping this view keeps the `Memory`, a handle.
//! `data`        the slice `&[u8]` of `Memory::data`, which can only be read; of a `SharedMemory`, the
//!               `&[UnsafeCell<u8>]` of `SharedMemory::data`, which unsafe code reads and writes.
//! `data_mut`    the slice `&mut [u8]` of `Memory::data_mut`.
//! `data_ptr`    the raw pointer of `Memory::data_ptr`, which checks nothing.
//!
//! A `SharedMemory` has only `data`.
//!
//! What is in the type system: offsets are `usize` and pages `u64`, so that a negative one cannot be passed; values are
//! bytes or have a Rust type, so that none is out of its range. Both slices of a `Memory` borrow the store. While one is
//! kept, no guest can be called and no memory grown: a stale slice does not compile. That of a `SharedMemory` borrows the
//! handle alone, and stays as long as it was. `Func`, `Memory` and `Global` have no `==`.
//!
//! On are all proposals that 48.0.8 turns on, and shared memories, custom page sizes and wide arithmetic, which it does
//! not. A handle is of one store: with another one the API panics, or refuses to link it.
//!
//! WASI is the crate `wasmtime-wasi`, of preview 1 and of before: a `WasiP1Ctx` in the store's data. Where its functions
//! end the guest's execution, as for a pointer out of bounds, the error is none of `Trap`'s but has the guest's backtrace.
//! That is told as a trap, as is an error of the scenario's that is a text (`Error::msg`).

use std::path::Path;

use linmem_kit::pointers::Pointer;
use linmem_kit::slices::{Cells, Slice, SliceMut};
use linmem_kit::{
    About, Borrow, Failure, Given, Import, Integer, Kind, Loan, MemoryType, NewMemory, Reading, Value, ValueType, View,
    ViewKind, Wasi, Way, locked_version, serve,
};
use wasmtime::{
    AsContext, AsContextMut, Caller, Config, Engine, Error, Extern, Func, FuncType, Global, GlobalType, Instance,
    Linker, MemoryTypeBuilder, Module, Mutability, SharedMemory, Store, StoreContext, StoreContextMut, Trap, Val,
    ValType, WasmBacktrace,
};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtxBuilder, p0, p1};

struct Driver {
    engine: Engine,
}

/// The store's data.
#[derive(Default)]
struct Data {
    wasi: Option<(Wasi, WasiP1Ctx)>,
}

impl Data {
    fn wasi(&mut self) -> &mut WasiP1Ctx {
        &mut self.wasi.as_mut().expect("it was made").1
    }
}

/// Imports by name.
type Externs = Vec<(String, String, Extern)>;

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

/// The API has two types for memories, with an interface each.
#[derive(Clone)]
enum Memory {
    Own(wasmtime::Memory),
    Shared(SharedMemory),
}

impl Memory {
    fn of(found: Option<Extern>, asked: &str) -> Result<Self, Failure> {
        match found {
            Some(Extern::Memory(memory)) => Ok(Self::Own(memory)),
            Some(Extern::SharedMemory(memory)) => Ok(Self::Shared(memory)),
            _ => Err(Failure::none(format!("get_export gave no memory for {asked:?}"))),
        }
    }

    fn own(&self, method: &str) -> Result<&wasmtime::Memory, Failure> {
        match self {
            Self::Own(memory) => Ok(memory),
            Self::Shared(_) => Err(Failure::unsupported(format!("SharedMemory has no {method}"))),
        }
    }
}

/// `Memory::read` and `Memory::write`.
struct ReadWrite(wasmtime::Memory);

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

/// What an agent's instance imports, as it gets to the agent's thread: handles are `Send`.
enum Sent {
    Item(Extern),
    New(Value, bool),
}

/// An agent's instance and its store.
struct Agent {
    store: Store<Data>,
    instance: Instance,
}

impl linmem_kit::Driver for Driver {
    type Store = Store<Data>;
    type Context<'c> = Context<'c>;
    type Module = Module;
    type Instance = Instance;
    type Function = Func;
    type Memory = Memory;
    type Global = Global;
    type AgentSeed = (Module, Vec<(String, String, Sent)>);
    type Agent = Agent;

    fn new(variant: Option<&str>, _: Option<&Path>) -> Result<Self, Failure> {
        if let Some(variant) = variant {
            return Err(Failure::unsupported(format!("wasmtime-rust has no variant {variant}")));
        }
        let mut config = Config::new();
        config.shared_memory(true).wasm_custom_page_sizes(true).wasm_wide_arithmetic(true);
        Ok(Self { engine: Engine::new(&config).map_err(|error| told(Kind::Host, &error))? })
    }

    fn about(&self) -> About {
        let version = locked_version(include_str!("Cargo.lock"), "wasmtime");
        let views = ["read_write", "data", "data_mut", "data_ptr"];
        About {
            name: "wasmtime-rust",
            engine: format!("Wasmtime {version}, Cranelift"),
            version,
            views: views.map(|kind| ViewKind { kind, unit: 1, types: MemoryType::ALL.to_vec() }).into(),
            wasi: &["preview1", "unstable"],
        }
    }

    fn store(&self) -> Store<Data> {
        Store::new(&self.engine, Data::default())
    }

    fn context(store: &mut Store<Data>) -> Context<'_> {
        Context::Store(store)
    }

    fn default_view(&self, memory: Option<&Memory>, _: MemoryType) -> Option<&'static str> {
        Some(if let Some(Memory::Shared(_)) = memory { "data" } else { "read_write" })
    }

    fn module_compile(&self, code: &[u8]) -> Result<Module, Failure> {
        Module::new(&self.engine, code).map_err(|error| told(Kind::Compile, &error))
    }

    fn instance_create(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        module: &Module,
        imports: Vec<Import<Self>>,
    ) -> Result<Instance, Failure> {
        let imports = self.externs(store, imports)?;
        instantiate(store.exclusive(), Linker::new(&self.engine), module, imports)
    }

    fn wasi_instance_create(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        module: &Module,
        imports: Vec<Import<Self>>,
        wasi: Wasi,
    ) -> Result<Instance, Failure> {
        let imports = self.externs(store, imports)?;
        let context = store.exclusive();
        let mut linker = Linker::new(&self.engine);
        match wasi.version.as_str() {
            "unstable" => p0::add_to_linker_sync(&mut linker, Data::wasi),
            _ => p1::add_to_linker_sync(&mut linker, Data::wasi),
        }
        .map_err(|error| told(Kind::Link, &error))?;
        let mut inner = context.as_context_mut();
        match &inner.data().wasi {
            Some((given, _)) if *given != wasi => {
                return Err(Failure::unsupported(
                    "a store's data has one WasiP1Ctx, and this scenario's has another already",
                ));
            }
            Some(_) => {}
            None => inner.data_mut().wasi = Some((wasi.clone(), context_of(&wasi)?)),
        }
        let instance = instantiate(context, linker, module, imports)?;
        if let Some(initialize) = instance.get_func(&mut *context, "_initialize") {
            initialize.call(context, &[], &mut []).map_err(failure)?;
        }
        Ok(instance)
    }

    fn function_export(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        instance: &Instance,
        name: &str,
    ) -> Result<Func, Failure> {
        exported(store.exclusive(), instance, name)
    }

    fn function_call(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        function: &Func,
        args: &[Value],
        results: &[ValueType],
    ) -> Result<Vec<Value>, Failure> {
        called(store.exclusive(), function, args, results)
    }

    fn memory_export(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        instance: &Instance,
        name: &str,
    ) -> Result<Memory, Failure> {
        Memory::of(instance.get_export(store.exclusive(), name), name)
    }

    fn memory_caller(&self, store: &mut Borrow<'_, '_, Self>, name: &str) -> Result<Memory, Failure> {
        let Context::Caller(caller) = store.exclusive() else {
            return Err(Failure::unsupported("no host function runs"));
        };
        Memory::of(caller.get_export(name), name)
    }

    fn memory_create(&self, store: &mut Borrow<'_, '_, Self>, memory: NewMemory) -> Result<Memory, Failure> {
        let mut shape = MemoryTypeBuilder::new();
        shape.min(memory.min.u64()?).max(memory.max.map(Integer::u64).transpose()?);
        shape.memory64(memory.memory64).shared(memory.shared);
        shape.page_size_log2(memory.page_size_log2()?);
        let shape = shape.build().map_err(|error| told(Kind::Host, &error))?;
        match memory.shared {
            true => SharedMemory::new(&self.engine, shape).map(Memory::Shared),
            false => wasmtime::Memory::new(store.exclusive(), shape).map(Memory::Own),
        }
        .map_err(|error| told(Kind::Host, &error))
    }

    fn memory_size(&self, store: &mut Borrow<'_, '_, Self>, memory: &Memory) -> Result<u64, Failure> {
        Ok(match memory {
            Memory::Own(memory) => memory.size(store.shared()),
            Memory::Shared(memory) => memory.size(),
        })
    }

    fn memory_grow(&self, store: &mut Borrow<'_, '_, Self>, memory: &Memory, delta: Integer) -> Result<u64, Failure> {
        match memory {
            Memory::Own(memory) => memory.grow(store.exclusive(), delta.u64()?),
            Memory::Shared(memory) => memory.grow(delta.u64()?),
        }
        .map_err(|error| told(Kind::Host, &error))
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
            "data" => match memory {
                Memory::Own(memory) => {
                    let slice = Slice::new(memory.data(store.into_shared().as_context()), offset, length)?;
                    View::Borrowed(Box::new(slice), Loan::Shared)
                }
                Memory::Shared(memory) => {
                    View::Free(Box::new(Cells::new(memory.clone(), SharedMemory::data, offset, length)?))
                }
            },
            "data_mut" => {
                let data = memory.own("data_mut")?.data_mut(store.into_exclusive().as_context_mut());
                View::Borrowed(Box::new(SliceMut::new(data, offset, length)?), Loan::Exclusive)
            }
            "data_ptr" => {
                let pointer = memory.own("data_ptr")?.data_ptr(store.shared());
                View::Free(Box::new(Pointer::new(pointer, offset, length)?))
            }
            _ if offset.is_some() || length.is_some() => {
                return Err(Failure::unsupported(
                    "Memory::read and Memory::write have no views with an offset or a length",
                ));
            }
            _ => View::Free(Box::new(ReadWrite(*memory.own("read and no write")?))),
        })
    }

    fn global_create(&self, store: &mut Borrow<'_, '_, Self>, value: Value, mutable: bool) -> Result<Global, Failure> {
        global(store.exclusive(), value, mutable)
    }

    fn global_export(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        instance: &Instance,
        name: &str,
    ) -> Result<Global, Failure> {
        let found = instance.get_global(store.exclusive(), name);
        found.ok_or_else(|| Failure::none(format!("get_global gave None for {name:?}")))
    }

    fn global_get(&self, store: &mut Borrow<'_, '_, Self>, global: &Global) -> Result<Value, Failure> {
        from_val(&global.get(store.exclusive()))
    }

    fn global_set(&self, store: &mut Borrow<'_, '_, Self>, global: &Global, value: Value) -> Result<(), Failure> {
        global.set(store.exclusive(), to_val(value)).map_err(|error| told(Kind::Host, &error))
    }

    fn agent_seed(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        module: &Module,
        imports: Vec<Import<Self>>,
    ) -> Result<Self::AgentSeed, Failure> {
        let send = |Import { module, name, given }| match given {
            Given::New(value, mutable) => Ok((module, name, Sent::New(value, mutable))),
            given => Ok((module, name, Sent::Item(self.extern_of(store, given)?))),
        };
        Ok((module.clone(), imports.into_iter().map(send).collect::<Result<_, _>>()?))
    }

    fn agent_create(&self, (module, sent): Self::AgentSeed) -> Result<Agent, Failure> {
        let mut store = self.store();
        let context = &mut Context::Store(&mut store);
        let receive = |(module, name, sent)| match sent {
            Sent::Item(item) => Ok((module, name, item)),
            Sent::New(value, mutable) => Ok((module, name, global(context, value, mutable)?.into())),
        };
        let imports = sent.into_iter().map(receive).collect::<Result<_, _>>()?;
        let instance = instantiate(&mut Context::Store(&mut store), Linker::new(&self.engine), &module, imports)?;
        Ok(Agent { store, instance })
    }

    fn agent_context(agent: &mut Agent) -> Context<'_> {
        Context::Store(&mut agent.store)
    }

    fn agent_call(
        &self,
        agent: &mut Agent,
        name: &str,
        args: &[Value],
        results: &[ValueType],
    ) -> Result<Vec<Value>, Failure> {
        let context = &mut Context::Store(&mut agent.store);
        let function = exported(context, &agent.instance, name)?;
        called(context, &function, args, results)
    }
}

impl Driver {
    fn externs(&self, store: &mut Borrow<'_, '_, Self>, imports: Vec<Import<Self>>) -> Result<Externs, Failure> {
        let externs = imports.into_iter().map(|Import { module, name, given }| {
            let item = self.extern_of(store, given)?;
            Ok((module, name, item))
        });
        externs.collect()
    }

    fn extern_of(&self, store: &mut Borrow<'_, '_, Self>, given: Given<Self>) -> Result<Extern, Failure> {
        Ok(match given {
            Given::Memory(Memory::Own(memory)) => memory.into(),
            Given::Memory(Memory::Shared(memory)) => memory.into(),
            Given::Global(global) => global.into(),
            Given::New(value, mutable) => global(store.exclusive(), value, mutable)?.into(),
            Given::Export(instance, export) => {
                let found = instance.get_export(store.exclusive(), &export);
                found.ok_or_else(|| Failure::none(format!("get_export gave None for {export:?}")))?
            }
            Given::Function(function) => {
                let shape = FuncType::new(&self.engine, shapes(&function.params), shapes(&function.results));
                let called = move |caller: Caller<'_, Data>, args: &[Val], results: &mut [Val]| {
                    let args = args.iter().map(from_val).collect::<Result<Vec<_>, _>>();
                    let args = args.map_err(|_| Error::msg("the driver passes no values of this type"))?;
                    let given = function.call(&mut Context::Caller(caller), &args).map_err(thrown)?;
                    for (result, value) in results.iter_mut().zip(given) {
                        *result = to_val(value);
                    }
                    Ok(())
                };
                Func::new(store.exclusive(), shape, called).into()
            }
        })
    }
}

/// A module may import one name twice, and what is given takes precedence over WASI.
fn instantiate(
    context: &mut Context<'_>,
    mut linker: Linker<Data>,
    module: &Module,
    imports: Externs,
) -> Result<Instance, Failure> {
    linker.allow_shadowing(true);
    for (module, name, item) in imports {
        linker.define(&mut *context, &module, &name, item).map_err(|error| told(Kind::Link, &error))?;
    }
    linker.instantiate(context, module).map_err(not_instantiated)
}

fn exported(context: &mut Context<'_>, instance: &Instance, name: &str) -> Result<Func, Failure> {
    let found = instance.get_func(context, name);
    found.ok_or_else(|| Failure::none(format!("get_func gave None for {name:?}")))
}

fn called(
    context: &mut Context<'_>,
    function: &Func,
    args: &[Value],
    results: &[ValueType],
) -> Result<Vec<Value>, Failure> {
    let args: Vec<Val> = args.iter().copied().map(to_val).collect();
    let mut given = vec![Val::I32(0); results.len()];
    function.call(context, &args, &mut given).map_err(failure)?;
    given.iter().map(from_val).collect()
}

fn global(context: &mut Context<'_>, value: Value, mutable: bool) -> Result<Global, Failure> {
    let (value, mutability) = (to_val(value), if mutable { Mutability::Var } else { Mutability::Const });
    let value_type = value.ty(&mut *context).map_err(|error| told(Kind::Host, &error))?;
    Global::new(context, GlobalType::new(value_type, mutability), value).map_err(|error| told(Kind::Host, &error))
}

fn shapes(types: &[ValueType]) -> Vec<ValType> {
    let shape = |value_type: &ValueType| match value_type {
        ValueType::I32 => ValType::I32,
        ValueType::I64 => ValType::I64,
        ValueType::F32 => ValType::F32,
        ValueType::F64 => ValType::F64,
        ValueType::V128 => ValType::V128,
        ValueType::FuncRef => ValType::FUNCREF,
        ValueType::ExternRef => ValType::EXTERNREF,
    };
    types.iter().map(shape).collect()
}

fn to_val(value: Value) -> Val {
    match value {
        Value::I32(value) => Val::I32(value),
        Value::I64(value) => Val::I64(value),
        Value::F32(bits) => Val::F32(bits),
        Value::F64(bits) => Val::F64(bits),
    }
}

fn from_val(value: &Val) -> Result<Value, Failure> {
    Ok(match value {
        Val::I32(value) => Value::I32(*value),
        Val::I64(value) => Value::I64(*value),
        Val::F32(bits) => Value::F32(*bits),
        Val::F64(bits) => Value::F64(*bits),
        other => return Err(Failure::unsupported(format!("the driver passes no values like {other:?}"))),
    })
}

/// An error with its causes: in one line as the message, and as `{:?}` prints it, with the guest's backtrace, as the text.
fn told(kind: Kind, error: &Error) -> Failure {
    Failure::named(kind, "wasmtime::Error", format!("{error:?}")).with_message(format!("{error:#}"))
}

/// A scenario's trap is an error with a text: the API has no other of one's own.
fn thrown(thrown: linmem_kit::Thrown) -> Error {
    if thrown.trap { Error::msg(thrown.message) } else { Error::new(thrown) }
}

/// Why a guest's execution ended, or why the call was refused.
fn failure(error: Error) -> Failure {
    ended(&error).unwrap_or_else(|| told(Kind::Host, &error))
}

/// Why there is no instance. A segment that does not fit is what the specification calls a trap.
fn not_instantiated(error: Error) -> Failure {
    ended(&error).unwrap_or_else(|| told(Kind::Link, &error))
}

/// Why a guest's execution ended, if one had begun.
fn ended(error: &Error) -> Option<Failure> {
    if let Some(thrown) = error.downcast_ref::<linmem_kit::Thrown>() {
        return Some(thrown.failure());
    }
    if let Some(I32Exit(status)) = error.downcast_ref() {
        return Some(told(Kind::Exit, error).with_message(status.to_string()));
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        let trapped = told(Kind::Trap, error).with_message(specified(*trap));
        return Some(match trap {
            Trap::TableOutOfBounds => trapped.meaning(&["out of bounds table access", "undefined element"]),
            _ => trapped,
        });
    }
    error.downcast_ref::<WasmBacktrace>()?;
    Some(told(Kind::Trap, error).with_message(error.root_cause().to_string()))
}

/// The specification's words.
fn specified(trap: Trap) -> String {
    match trap {
        Trap::UnreachableCodeReached => "unreachable".into(),
        Trap::AtomicWaitNonSharedMemory => "expected shared memory".into(),
        other => other.to_string().trim_start_matches("wasm trap: ").into(),
    }
}

/// Standard input is empty unless it is set.
fn context_of(wasi: &Wasi) -> Result<WasiP1Ctx, Failure> {
    let mut builder = WasiCtxBuilder::new();
    builder.inherit_stdout().inherit_stderr().args(&wasi.args).envs(&wasi.env);
    for (guest, host) in &wasi.preopens {
        let preopened = builder.preopened_dir(host, guest, FsPerms::ReadWrite);
        preopened.map_err(|error| told(Kind::Host, &error))?;
    }
    Ok(builder.build_p1())
}

fn main() {
    serve::<Driver>()
}
