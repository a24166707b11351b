//! What a driver is: the calls of one runtime's API.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::failure::Failure;
use crate::session::Session;
use crate::values::{Integer, MemoryType, Value, ValueType};
use crate::views::{Loan, View};

/// What `initialize` answers about the runtime.
pub struct About {
    /// As in the manifest.
    pub name: &'static str,
    /// The version of the library: see [`crate::locked_version`].
    pub version: String,
    /// The engine and what it compiles or interprets with.
    pub engine: String,
    /// The ways into memory.
    pub views: Vec<ViewKind>,
    /// The versions of WASI that [`Driver::wasi_instance_create`] can give.
    pub wasi: &'static [&'static str],
}

/// A way into memory that the API has.
pub struct ViewKind {
    /// As the API calls it.
    pub kind: &'static str,
    /// How many bytes one index counts.
    pub unit: u64,
    /// The memory types that it reads and writes.
    pub types: Vec<MemoryType>,
}

/// One import of a new instance.
pub struct Import<D: Driver> {
    /// The module's part of its name.
    pub module: String,
    /// The other part of its name.
    pub name: String,
    /// What is given for it.
    pub given: Given<D>,
}

/// What is given for an import.
pub enum Given<D: Driver> {
    /// A function that asks the harness.
    Function(HostFunction<D>),
    /// A memory that the driver made or exported.
    Memory(D::Memory),
    /// A global that the driver made or exported.
    Global(D::Global),
    /// What another instance exports by this name.
    Export(D::Instance, String),
    /// A global of the agent's own, and whether it is mutable. Only agents are given it.
    New(Value, bool),
}

/// What a guest is to find through the runtime's own WASI. Standard input is empty; standard output and error are the
/// process's, which both lead to standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wasi {
    /// `preview1` or `unstable`.
    pub version: String,
    /// The program's name and its arguments.
    pub args: Vec<String>,
    /// Environment variables.
    pub env: Vec<(String, String)>,
    /// Paths that the guest sees, and the folders behind them.
    pub preopens: Vec<(String, PathBuf)>,
}

/// A new memory, sizes in pages.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct NewMemory {
    pub min: Integer,
    pub max: Option<Integer>,
    pub shared: bool,
    pub memory64: bool,
    /// In bytes.
    pub page_size: Integer,
}

impl NewMemory {
    /// The logarithm of the page size, for an API that takes one. What is no power of two is *not expressible*.
    pub fn page_size_log2(&self) -> Result<u8, Failure> {
        let page_size = self.page_size.u64()?;
        if !page_size.is_power_of_two() {
            return Err(Failure::not_expressible(format!(
                "page_size_log2 takes a logarithm, and {page_size} is no power of two"
            )));
        }
        Ok(page_size.ilog2() as u8)
    }
}

/// A function of the harness that a guest imports. The driver makes one of the API's of it.
pub struct HostFunction<D: Driver> {
    pub(crate) func: Arc<str>,
    pub(crate) session: Home<D>,
    /// Its parameters' types.
    pub params: Arc<[ValueType]>,
    /// Its results' types.
    pub results: Arc<[ValueType]>,
}

impl<D: Driver> HostFunction<D> {
    /// Ask the harness, and serve its requests on this store or caller until it has answered.
    pub fn call(&self, context: &mut D::Context<'_>, args: &[Value]) -> Result<Vec<Value>, Thrown> {
        self.session.get().import_call(&self.func, context, args)
    }
}

impl<D: Driver> Clone for HostFunction<D> {
    fn clone(&self) -> Self {
        Self {
            func: self.func.clone(),
            session: self.session,
            params: self.params.clone(),
            results: self.results.clone(),
        }
    }
}

/// The session, for host functions, which runtimes want to be `Send` and `Sync`.
pub(crate) struct Home<D: Driver> {
    session: *const Session<D>,
    thread: std::thread::ThreadId,
}

impl<D: Driver> Home<D> {
    pub(crate) fn new(session: &'static Session<D>) -> Self {
        Self { session, thread: std::thread::current().id() }
    }

    fn get(&self) -> &'static Session<D> {
        assert_eq!(std::thread::current().id(), self.thread, "host functions are called on the session's thread");
        // SAFETY: it was made of a reference that lives as long as the process, and this is the thread that it is for.
        unsafe { &*self.session }
    }
}

impl<D: Driver> Copy for Home<D> {}

impl<D: Driver> Clone for Home<D> {
    fn clone(&self) -> Self {
        *self
    }
}

// SAFETY: the pointer is used on the session's own thread only, which `get` checks.
unsafe impl<D: Driver> Send for Home<D> {}
// SAFETY: as above.
unsafe impl<D: Driver> Sync for Home<D> {}

/// What the scenario has a host function fail with. The driver returns it as an error of the API's, or traps.
#[derive(Clone, Debug)]
pub struct Thrown {
    /// Whether the scenario asks for a trap, where the API can make one.
    pub trap: bool,
    /// The scenario's words.
    pub message: String,
}

impl std::fmt::Display for Thrown {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Thrown {}

impl Thrown {
    /// What it is reported as when it comes out of a guest's call.
    pub fn failure(&self) -> Failure {
        let kind = if self.trap { crate::Kind::Trap } else { crate::Kind::Host };
        Failure::named(kind, "HostThrow", self.message.clone())
    }
}

/// The store as a hook gets it, or the caller of the host function that runs.
///
/// A hook says which of the two borrows the API's call needs. A kept view that borrows the store ends there, as the
/// borrow checker would have it: no program that uses it later compiles.
pub struct Borrow<'a, 'c, D: Driver> {
    context: &'a mut D::Context<'c>,
    session: &'a Session<D>,
}

impl<'a, 'c, D: Driver> Borrow<'a, 'c, D> {
    pub(crate) fn new(context: &'a mut D::Context<'c>, session: &'a Session<D>) -> Self {
        Self { context, session }
    }

    pub(crate) fn again(&mut self) -> Borrow<'_, 'c, D> {
        Borrow { context: self.context, session: self.session }
    }

    /// `&`, for a call that takes `impl AsContext` or its like.
    pub fn shared(&mut self) -> &D::Context<'c> {
        self.session.store_is_used(Loan::Shared);
        self.context
    }

    /// `&mut`, for a call that takes `impl AsContextMut` or its like.
    pub fn exclusive(&mut self) -> &mut D::Context<'c> {
        self.session.store_is_used(Loan::Exclusive);
        self.context
    }

    /// `&`, for as long as a view lasts.
    pub fn into_shared(self) -> &'a D::Context<'c> {
        self.session.store_is_used(Loan::Shared);
        self.context
    }

    /// `&mut`, for as long as a view lasts.
    pub fn into_exclusive(self) -> &'a mut D::Context<'c> {
        self.session.store_is_used(Loan::Exclusive);
        self.context
    }
}

/// A driver: one hook for each of the protocol's methods. What a runtime lacks is left to the default, which answers
/// that there is no such method.
///
/// Hooks let every error of the runtime through, as a [`Failure`] of the fitting kind, and do not catch its panics.
#[allow(unused_variables)]
pub trait Driver: Sized + Sync + 'static {
    /// What a scenario's objects live in. It is made with a scenario's first request and dropped with its last.
    type Store;
    /// The store, or the caller of a host function, as the API's calls take it.
    type Context<'c>;
    /// A compiled module.
    type Module: Clone;
    /// An instance.
    type Instance: Clone;
    /// A function that was exported.
    type Function: Clone;
    /// A memory.
    type Memory: Clone + Send;
    /// A global.
    type Global: Clone;
    /// What an agent's thread is given to make its instance of.
    type AgentSeed: Send + 'static;
    /// An agent's instance and store. It stays in its thread.
    type Agent: 'static;

    /// Start. A variant that is not there is a [`Failure::unsupported`].
    fn new(variant: Option<&str>, cache: Option<&Path>) -> Result<Self, Failure>;
    /// What `initialize` answers.
    fn about(&self) -> About;
    /// A store for the next scenario.
    fn store(&self) -> Self::Store;
    /// The store as hooks get it.
    fn context(store: &mut Self::Store) -> Self::Context<'_>;
    /// The view kind that a user tries first, or None.
    fn default_view(&self, memory: Option<&Self::Memory>, memory_type: MemoryType) -> Option<&'static str>;

    /// `module.compile`
    fn module_compile(&self, code: &[u8]) -> Result<Self::Module, Failure>;
    /// `instance.create`
    fn instance_create(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        module: &Self::Module,
        imports: Vec<Import<Self>>,
    ) -> Result<Self::Instance, Failure>;
    /// `instance.create` with the runtime's own WASI. A reactor's `_initialize` is called as its users do.
    fn wasi_instance_create(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        module: &Self::Module,
        imports: Vec<Import<Self>>,
        wasi: Wasi,
    ) -> Result<Self::Instance, Failure> {
        Err(Failure::unsupported("the driver brings no WASI"))
    }

    /// `function.export`
    fn function_export(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        instance: &Self::Instance,
        name: &str,
    ) -> Result<Self::Function, Failure>;
    /// `function.call`, of an instance's export or of a function that was exported before.
    fn function_call(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        function: &Self::Function,
        args: &[Value],
        results: &[ValueType],
    ) -> Result<Vec<Value>, Failure>;

    /// `memory.export`
    fn memory_export(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        instance: &Self::Instance,
        name: &str,
    ) -> Result<Self::Memory, Failure>;
    /// `memory.caller`
    fn memory_caller(&self, store: &mut Borrow<'_, '_, Self>, name: &str) -> Result<Self::Memory, Failure> {
        Err(Failure::unsupported("the host API does not tell a host function which instance calls it"))
    }
    /// `memory.create`
    fn memory_create(&self, store: &mut Borrow<'_, '_, Self>, memory: NewMemory) -> Result<Self::Memory, Failure>;
    /// `memory.size`, in pages. `page_size` is for APIs that count bytes only.
    fn memory_size(&self, store: &mut Borrow<'_, '_, Self>, memory: &Self::Memory) -> Result<u64, Failure>;
    /// `memory.grow`: the size before, in pages.
    fn memory_grow(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        memory: &Self::Memory,
        delta: Integer,
    ) -> Result<u64, Failure>;
    /// `memory.read`, `memory.write`, `view.open`. Offset in bytes, length in units.
    fn view_open<'a>(
        &self,
        store: Borrow<'a, '_, Self>,
        memory: &'a Self::Memory,
        kind: &str,
        offset: Option<Integer>,
        length: Option<Integer>,
    ) -> Result<View<'a, Self>, Failure>;

    /// `global.create`
    fn global_create(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        value: Value,
        mutable: bool,
    ) -> Result<Self::Global, Failure>;
    /// `global.export`
    fn global_export(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        instance: &Self::Instance,
        name: &str,
    ) -> Result<Self::Global, Failure>;
    /// `global.get`
    fn global_get(&self, store: &mut Borrow<'_, '_, Self>, global: &Self::Global) -> Result<Value, Failure>;
    /// `global.set`
    fn global_set(&self, store: &mut Borrow<'_, '_, Self>, global: &Self::Global, value: Value) -> Result<(), Failure>;

    /// `object.same`, where the API's types have `==`.
    fn same(&self, one: Comparable<'_, Self>, other: Comparable<'_, Self>) -> Result<bool, Failure> {
        Err(Failure::not_expressible("the API's handles have no =="))
    }

    /// `agents.run`, `agents.start`, on the session's thread: what the agent's thread needs. APIs without threads leave
    /// it out.
    fn agent_seed(
        &self,
        store: &mut Borrow<'_, '_, Self>,
        module: &Self::Module,
        imports: Vec<Import<Self>>,
    ) -> Result<Self::AgentSeed, Failure> {
        Err(Failure::no_method())
    }
    /// In the agent's thread, one at a time: an instance in a store of its own.
    fn agent_create(&self, seed: Self::AgentSeed) -> Result<Self::Agent, Failure> {
        Err(Failure::no_method())
    }
    /// The agent's store, for what its own host does.
    fn agent_context(agent: &mut Self::Agent) -> Self::Context<'_> {
        unreachable!("agent_create made none")
    }
    /// In the agent's thread, all at once.
    fn agent_call(
        &self,
        agent: &mut Self::Agent,
        name: &str,
        args: &[Value],
        results: &[ValueType],
    ) -> Result<Vec<Value>, Failure> {
        Err(Failure::no_method())
    }
}

/// Two of these are compared by `object.same`.
#[allow(missing_docs)]
pub enum Comparable<'a, D: Driver> {
    Function(&'a D::Function),
    Memory(&'a D::Memory),
    Global(&'a D::Global),
}
