//! The protocol's methods.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::exit;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::agents::{Agent, Agents, Step};
use crate::channel::Channel;
use crate::driver::{Borrow, Comparable, Driver, Given, Home, HostFunction, Import, NewMemory, Thrown, ViewKind};
use crate::failure::Failure;
use crate::kept::Kept;
use crate::panics::{self, caught};
use crate::params::{Answer, Params, Table, id_of, made, told_wasi};
use crate::values::{Integer, MemoryType, Value, ValueType, bytes};
use crate::views::Loan;

const PAGE: i128 = 65536;

/// Answer requests until standard input ends.
pub fn serve<D: Driver>() -> ! {
    // SAFETY: no other thread has been started. Libraries add their own stack to errors' texts where these are set, and
    // results must not depend on that.
    unsafe {
        std::env::remove_var("RUST_BACKTRACE");
        std::env::remove_var("RUST_LIB_BACKTRACE");
    }
    panics::install();
    let channel = Channel::new().expect("standard input and output are open");
    let session: &'static Session<D> = Box::leak(Box::new(Session::new(Some(channel))));
    while session.driver.get().is_none() {
        session.before_initialize(&session.channel().receive());
    }
    loop {
        let mut store = session.driver().store();
        let mut context = D::context(&mut store);
        session.store_released.set(false);
        let mut release = None;
        while !session.store_released.get() {
            release = session.answer(&session.channel().receive(), &mut context);
        }
        session.end_loans(Loan::Exclusive);
        drop(context);
        drop(store);
        if let Some(id) = release {
            session.send(&id, Ok(json!({})));
        }
    }
}

/// Objects and results by the ids of the requests that made them.
pub struct Session<D: Driver> {
    channel: Option<Channel>, // the session of an agent has none
    driver: OnceCell<&'static D>,
    pub(crate) kinds: OnceCell<Vec<ViewKind>>,
    modules: Table<D::Module>,
    instances: Table<D::Instance>,
    functions: Table<D::Function>,
    memories: Table<D::Memory>,
    globals: Table<D::Global>,
    agents: Table<Agents>,
    pub(crate) views: Table<Kept<D>>,
    pub(crate) results: Table<Option<i128>>,
    failed: RefCell<HashSet<i64>>,
    failed_modules: RefCell<HashSet<i64>>, // as long-lived as modules
    imported: RefCell<Vec<D::Global>>,     // globals made as imports, which the host keeps
    imports_called: Cell<u64>,
    nesting: Cell<usize>, // of host functions that run
    store_released: Cell<bool>,
}

impl<D: Driver> Session<D> {
    fn new(channel: Option<Channel>) -> Self {
        Self {
            channel,
            driver: OnceCell::new(),
            kinds: OnceCell::new(),
            modules: RefCell::default(),
            instances: RefCell::default(),
            functions: RefCell::default(),
            memories: RefCell::default(),
            globals: RefCell::default(),
            agents: RefCell::default(),
            views: RefCell::default(),
            results: RefCell::default(),
            failed: RefCell::default(),
            failed_modules: RefCell::default(),
            imported: RefCell::default(),
            imports_called: Cell::new(0),
            nesting: Cell::new(0),
            store_released: Cell::new(false),
        }
    }

    pub(crate) fn driver(&self) -> &'static D {
        self.driver.get().expect("the driver has started")
    }

    /// What an agent's own host works with: memories of the session's, and views of its own.
    pub(crate) fn of_agent(driver: &'static D, memories: HashMap<i64, D::Memory>) -> Self {
        let session = Self { memories: RefCell::new(memories), ..Self::new(None) };
        let _ = session.kinds.set(driver.about().views);
        let _ = session.driver.set(driver);
        session
    }

    fn channel(&self) -> &Channel {
        self.channel.as_ref().expect("agents have no host functions")
    }

    // Requests

    fn before_initialize(&self, request: &Json) {
        let answer = match request["method"].as_str() {
            Some("initialize") => self.initialize(&request["params"]),
            Some("shutdown") => exit(0),
            _ => {
                let error = json!({"code": -32600, "message": "initialize comes first"});
                return self.channel().send(&json!({"jsonrpc": "2.0", "id": request["id"], "error": error}));
            }
        };
        self.send(&request["id"], answer);
    }

    /// Do what a request asks, and send its answer. Gives the id of a request that is answered when the store is gone,
    /// so that what dies with it dies before the answer.
    fn answer(&'static self, request: &Json, context: &mut D::Context<'_>) -> Option<Json> {
        let Some(id) = request["id"].as_i64() else {
            let error = json!({"code": -32600, "message": "requests have integer ids"});
            self.channel().send(&json!({"jsonrpc": "2.0", "id": null, "error": error}));
            return None;
        };
        let method = request["method"].as_str().unwrap_or_default();
        let mut store = Borrow::new(context, self);
        let answer = caught(|| self.dispatch(id, method, &Params(&request["params"]), &mut store));
        if answer.is_err() && method == "module.compile" {
            self.failed_modules.borrow_mut().insert(id);
        } else if answer.is_err() {
            self.failed(id);
        }
        if method == "object.release" && self.store_released.get() && self.nesting.get() == 0 {
            return Some(request["id"].clone());
        }
        self.send(&request["id"], answer);
        if method == "shutdown" {
            exit(0);
        }
        None
    }

    fn send(&self, id: &Json, answer: Answer) {
        self.channel().send(&match answer {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(failure) => json!({"jsonrpc": "2.0", "id": id, "error": failure.json()}),
        });
    }

    fn dispatch(&'static self, id: i64, method: &str, params: &Params<'_>, store: &mut Borrow<'_, '_, D>) -> Answer {
        match method {
            "initialize" => Err(Failure::invalid("initialize comes once")),
            "shutdown" => Ok(json!({})),
            "module.compile" => {
                let module = self.driver().module_compile(&bytes(params.get("bytes")?)?)?;
                made(&self.modules, id, module)
            }
            "instance.create" => self.instance_create(id, params, store),
            "function.call" => self.function_call(id, params, store),
            "function.export" => {
                let (instance, name) = (self.instance(params)?, params.text("name")?);
                made(&self.functions, id, self.driver().function_export(store, &instance, name)?)
            }
            "global.create" => made(&self.globals, id, self.new_global(params, store)?),
            "global.export" => {
                let (instance, name) = (self.instance(params)?, params.text("name")?);
                made(&self.globals, id, self.driver().global_export(store, &instance, name)?)
            }
            "global.get" => {
                let value =
                    self.driver().global_get(store, &self.object(&self.globals, "global", params.id("global")?)?)?;
                self.results.borrow_mut().insert(id, Some(value.unsigned()));
                Ok(json!({"value": value.json()}))
            }
            "global.set" => {
                let global = self.object(&self.globals, "global", params.id("global")?)?;
                let given = Params(params.get("value")?);
                if let Ok(kind) = given.text("host") {
                    let why = format!("a global's value has one of WebAssembly's types, which no other {kind} has");
                    return Err(Failure::not_expressible(why));
                }
                self.driver().global_set(store, &global, self.value(&given)?)?;
                Ok(json!({}))
            }
            "agents.run" => Ok(self.agents_begin(params, store)?.end()),
            "agents.start" => made(&self.agents, id, self.agents_begin(params, store)?),
            "agents.finish" => {
                let agents = params.id("agents")?;
                let begun = self.agents.borrow_mut().remove(&agents);
                begun.map(Agents::end).ok_or_else(|| self.unknown("agents", agents))
            }
            "memory.export" => {
                let (instance, name) = (self.instance(params)?, params.text("name")?);
                made(&self.memories, id, self.driver().memory_export(store, &instance, name)?)
            }
            "memory.caller" => made(&self.memories, id, self.driver().memory_caller(store, params.text("name")?)?),
            "memory.create" => {
                let wanted = NewMemory {
                    min: self.integer(params.get("min")?)?,
                    max: self.optional(params, "max")?,
                    shared: params.get("shared")? == true,
                    memory64: params.text("index")? == "i64",
                    page_size: self.optional(params, "page_size")?.unwrap_or(Integer(PAGE)),
                };
                made(&self.memories, id, self.driver().memory_create(store, wanted)?)
            }
            "object.same" => self.object_same(params),
            "object.use" => Err(Failure::unsupported(format!("Rust has no {}", params.text("api")?))),
            "object.release" => self.object_release(params),
            _ => self.host_step(id, method, params, store),
        }
    }

    /// What an agent's own host can be asked too.
    pub(crate) fn host_step(
        &self,
        id: i64,
        method: &str,
        params: &Params<'_>,
        store: &mut Borrow<'_, '_, D>,
    ) -> Answer {
        match method {
            "memory.size" => {
                let pages = self.driver().memory_size(store, &self.memory(params)?)?;
                Ok(json!({"pages": self.count(id, pages)}))
            }
            "memory.grow" => {
                let (memory, delta) = (self.memory(params)?, self.integer(params.get("delta")?)?);
                let pages = self.driver().memory_grow(store, &memory, delta)?;
                Ok(json!({"pages": self.count(id, pages)}))
            }
            "memory.read" => self.memory_read(id, params, store),
            "memory.write" => self.memory_write(params, store),
            "view.open" => self.view_open(id, params, store),
            "view.length" => self.view_length(id, params, store),
            "view.read" => self.view_read(id, params, store),
            "view.write" => self.view_write(params, store),
            _ => Err(Failure::no_method().with_message(format!("no method {method}"))),
        }
    }

    fn initialize(&self, params: &Json) -> Answer {
        if params["protocol"] != 1 {
            return Err(Failure::invalid("this driver speaks protocol 1"));
        }
        let cache = params["cache"].as_str().map(Path::new);
        let driver = caught(|| D::new(params["variant"].as_str(), cache))?;
        let about = driver.about();
        let names = |types: &[MemoryType]| types.iter().map(|one| one.name()).collect::<Vec<_>>();
        let views =
            about.views.iter().map(|view| json!({"kind": view.kind, "unit": view.unit, "types": names(&view.types)}));
        let defaults =
            MemoryType::ALL.iter().filter_map(|one| Some((one.name().into(), driver.default_view(None, *one)?.into())));
        let answer = json!({
            "protocol": 1,
            "runtime": {"name": about.name, "version": about.version, "engine": about.engine},
            "host": {"language": "Rust", "version": env!("LINMEM_RUSTC"), "implementation": "rustc"},
            "views": views.collect::<Vec<_>>(),
            "default_views": defaults.collect::<serde_json::Map<_, Json>>(),
            "glue": [],
            "wasi": about.wasi,
        });
        let _ = self.kinds.set(about.views);
        let _ = self.driver.set(Box::leak(Box::new(driver)));
        Ok(answer)
    }

    // Instances and functions

    fn instance_create(&'static self, id: i64, params: &Params<'_>, store: &mut Borrow<'_, '_, D>) -> Answer {
        let module = self.object(&self.modules, "module", params.id("module")?)?;
        let imports = self.imports(params, store, false)?;
        if params.has("glue") {
            return Err(Failure::unsupported("the driver runs no language glue"));
        }
        let instance = match params.0.get("wasi").filter(|wasi| !wasi.is_null()) {
            None => self.driver().instance_create(store, &module, imports)?,
            Some(given) => {
                let wasi = told_wasi(given);
                if !self.driver().about().wasi.contains(&wasi.version.as_str()) {
                    return Err(Failure::unsupported(format!("the driver brings no WASI {}", wasi.version)));
                }
                self.driver().wasi_instance_create(store, &module, imports, wasi)?
            }
        };
        made(&self.instances, id, instance)
    }

    fn imports(
        &'static self,
        params: &Params<'_>,
        store: &mut Borrow<'_, '_, D>,
        agent: bool,
    ) -> Result<Vec<Import<D>>, Failure> {
        let imports = params.0["imports"].as_array().map(Vec::as_slice).unwrap_or_default();
        imports.iter().map(|item| self.import(&Params(item), store, agent)).collect()
    }

    fn import(
        &'static self,
        item: &Params<'_>,
        store: &mut Borrow<'_, '_, D>,
        agent: bool,
    ) -> Result<Import<D>, Failure> {
        let given = if item.has("func") {
            let signature = Params(item.get("type")?);
            Given::Function(HostFunction {
                func: item.text("func")?.into(),
                session: Home::new(self),
                params: signature.types("params")?.into(),
                results: signature.types("results")?.into(),
            })
        } else if item.has("object") {
            let object = item.id("object")?;
            match self.globals.borrow().get(&object) {
                Some(global) => Given::Global(global.clone()),
                None => Given::Memory(self.object(&self.memories, "memory", object)?),
            }
        } else if item.has("instance") {
            Given::Export(self.instance(item)?, item.text("export")?.into())
        } else {
            let wanted = Params(item.get("global")?);
            if agent {
                Given::New(self.value(&wanted)?, wanted.get("mutable")? == true)
            } else {
                let global = self.new_global(&wanted, store)?;
                self.imported.borrow_mut().push(global.clone());
                Given::Global(global)
            }
        };
        Ok(Import { module: item.text("module")?.into(), name: item.text("name")?.into(), given })
    }

    fn new_global(&'static self, wanted: &Params<'_>, store: &mut Borrow<'_, '_, D>) -> Result<D::Global, Failure> {
        let mutable = wanted.get("mutable")? == true;
        self.driver().global_create(store, self.value(wanted)?, mutable)
    }

    fn function_call(&'static self, id: i64, params: &Params<'_>, store: &mut Borrow<'_, '_, D>) -> Answer {
        let (args, results) = (self.values(params)?, params.types("results")?);
        let function = match params.has("function") {
            true => self.object(&self.functions, "function", params.id("function")?)?,
            false => self.driver().function_export(store, &self.instance(params)?, params.text("name")?)?,
        };
        let values = self.driver().function_call(store, &function, &args, &results)?;
        self.results.borrow_mut().insert(id, values.first().map(|value| value.unsigned()));
        Ok(json!({"values": values.iter().map(|value| value.json()).collect::<Vec<_>>()}))
    }

    /// Ask the harness what a host function does, and serve its requests until it has answered.
    pub(crate) fn import_call(
        &'static self,
        func: &Arc<str>,
        context: &mut D::Context<'_>,
        args: &[Value],
    ) -> Result<Vec<Value>, Thrown> {
        let id = format!("h{}", self.imports_called.replace(self.imports_called.get() + 1));
        let args: Vec<Json> = args.iter().map(|value| value.json()).collect();
        let params = json!({"func": &**func, "args": args});
        self.channel().send(&json!({"jsonrpc": "2.0", "id": id, "method": "import.call", "params": params}));
        self.nesting.set(self.nesting.get() + 1);
        let reply = loop {
            let message = self.channel().receive();
            if message.get("method").is_none() {
                break message;
            }
            self.answer(&message, context);
        };
        self.nesting.set(self.nesting.get() - 1);
        self.end_loans(Loan::Exclusive); // what was borrowed from the caller
        assert_eq!(reply["id"], id, "the answer to import.call has this id");
        if let Some(error) = reply.get("error") {
            let message = error["message"].as_str().unwrap_or_default().to_string();
            return Err(Thrown { trap: error["data"]["kind"] == "trap", message });
        }
        let values = reply["result"]["values"].as_array().map(Vec::as_slice).unwrap_or_default();
        let values = values.iter().map(|value| self.value(&Params(value))).collect::<Result<_, _>>();
        Ok(values.expect("the harness gives values of the function's types"))
    }

    // Agents

    fn agents_begin(&'static self, params: &Params<'_>, store: &mut Borrow<'_, '_, D>) -> Result<Agents, Failure> {
        let rounds = self.optional(params, "rounds")?.unwrap_or(Integer(1)).usize()?;
        let mut agents = Vec::new();
        for item in params.get("agents")?.as_array().map(Vec::as_slice).unwrap_or_default() {
            let item = Params(item);
            let module = self.object(&self.modules, "module", item.id("module")?)?;
            let imports = self.imports(&item, store, true)?;
            let steps = item.get("calls")?.as_array().map(Vec::as_slice).unwrap_or_default();
            agents.push(Agent {
                seed: self.driver().agent_seed(store, &module, imports)?,
                memories: self.memories.borrow().clone(),
                steps: steps.iter().map(|step| self.agent_step(&Params(step))).collect::<Result<_, _>>()?,
            });
        }
        Agents::begin(self.driver(), agents, rounds)
    }

    fn agent_step(&self, step: &Params<'_>) -> Result<Step, Failure> {
        if step.has("method") {
            let (method, params) = (step.text("method")?.into(), step.get("params")?.clone());
            return Ok(Step::Host { id: step.id("id")?, method, params });
        }
        Ok(Step::Call {
            name: step.text("name")?.into(),
            args: self.values(step)?,
            results: step.types("results")?,
            times: self.integer(step.get("times")?)?.usize()?,
        })
    }

    // Objects

    fn object_same(&'static self, params: &Params<'_>) -> Answer {
        let objects = params.get("objects")?;
        let (one, other) = (id_of(&objects[0])?, id_of(&objects[1])?);
        let (functions, globals) = (self.functions.borrow(), self.globals.borrow());
        let same = match (functions.get(&one), functions.get(&other), globals.get(&one), globals.get(&other)) {
            (Some(one), Some(other), ..) => {
                self.driver().same(Comparable::Function(one), Comparable::Function(other))?
            }
            (.., Some(one), Some(other)) => self.driver().same(Comparable::Global(one), Comparable::Global(other))?,
            _ => {
                let one = self.object(&self.memories, "memory", one)?;
                let other = self.object(&self.memories, "memory", other)?;
                self.driver().same(Comparable::Memory(&one), Comparable::Memory(&other))?
            }
        };
        Ok(json!({"same": same}))
    }

    /// Drop the objects that are named, or all but modules; with `store`, all but modules and views.
    fn object_release(&self, params: &Params<'_>) -> Answer {
        let (all, store) = (params.0["all"] == true, params.0["store"] == true);
        if !all && !store {
            for object in params.get("objects")?.as_array().map(Vec::as_slice).unwrap_or_default() {
                let id = id_of(object)?;
                self.modules.borrow_mut().remove(&id);
                self.instances.borrow_mut().remove(&id);
                self.functions.borrow_mut().remove(&id);
                self.memories.borrow_mut().remove(&id);
                self.globals.borrow_mut().remove(&id);
                self.views.borrow_mut().remove(&id);
            }
            return Ok(json!({}));
        }
        for (_, agents) in self.agents.borrow_mut().drain() {
            agents.end();
        }
        if all {
            self.views.borrow_mut().clear();
            self.results.borrow_mut().clear();
            self.failed.borrow_mut().clear();
        }
        self.end_loans(Loan::Exclusive);
        self.instances.borrow_mut().clear();
        self.functions.borrow_mut().clear();
        self.memories.borrow_mut().clear();
        self.globals.borrow_mut().clear();
        self.imported.borrow_mut().clear();
        self.store_released.set(true);
        Ok(json!({}))
    }

    /// What uses this request's object or result is skipped.
    pub(crate) fn failed(&self, id: i64) {
        self.failed.borrow_mut().insert(id);
    }

    fn object<T: Clone>(&self, table: &Table<T>, what: &str, id: i64) -> Result<T, Failure> {
        table.borrow().get(&id).cloned().ok_or_else(|| self.unknown(what, id))
    }

    pub(crate) fn unknown(&self, what: &str, id: i64) -> Failure {
        if self.channel.is_none() && id >= 0 {
            return Failure::not_expressible(format!("this {what} is not Send, so that no other thread has it"));
        }
        match self.failed.borrow().contains(&id) || self.failed_modules.borrow().contains(&id) {
            true => Failure::skipped(format!("request {id} made no {what}")),
            false => Failure::invalid(format!("no {what} {id}")),
        }
    }

    fn instance(&self, params: &Params<'_>) -> Result<D::Instance, Failure> {
        self.object(&self.instances, "instance", params.id("instance")?)
    }

    pub(crate) fn memory(&self, params: &Params<'_>) -> Result<D::Memory, Failure> {
        self.object(&self.memories, "memory", params.id("memory")?)
    }

    // Values

    pub(crate) fn count(&self, id: i64, count: u64) -> Json {
        self.results.borrow_mut().insert(id, Some(count.into()));
        Integer(count.into()).json()
    }

    /// An integer, or a reference to a result.
    pub(crate) fn integer(&self, json: &Json) -> Result<Integer, Failure> {
        let Some(id) = json.get("$ref") else {
            return Integer::parse(json).ok_or_else(|| Failure::invalid(format!("{json} is no integer")));
        };
        let id = id_of(id)?;
        let result = self.results.borrow().get(&id).copied();
        let number = match result {
            _ if self.failed.borrow().contains(&id) => return Err(Failure::skipped(format!("request {id} failed"))),
            None => return Err(Failure::invalid(format!("no result of request {id}"))),
            Some(None) => return Err(Failure::skipped(format!("request {id} gave no number"))),
            Some(Some(number)) => number,
        };
        let more = json.get("+").map(|more| self.integer(more)).transpose()?.unwrap_or(Integer(0));
        Ok(Integer(number + more.0))
    }

    pub(crate) fn optional(&self, params: &Params<'_>, key: &str) -> Result<Option<Integer>, Failure> {
        params.0.get(key).filter(|json| !json.is_null()).map(|json| self.integer(json)).transpose()
    }

    fn value(&self, typed: &Params<'_>) -> Result<Value, Failure> {
        Value::of(ValueType::parse(typed.get("type")?)?, self.integer(typed.get("value")?)?)
    }

    fn values(&self, call: &Params<'_>) -> Result<Vec<Value>, Failure> {
        let args = call.get("args")?.as_array().map(Vec::as_slice).unwrap_or_default();
        args.iter().map(|value| self.value(&Params(value))).collect()
    }
}
