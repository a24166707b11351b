//! The protocol's methods on views, fresh and kept.

use std::rc::Rc;

use serde_json::{Value as Json, json};

use crate::driver::{Borrow, Driver, ViewKind};
use crate::failure::Failure;
use crate::params::{Answer, Params, made};
use crate::session::Session;
use crate::values::{Integer, MemoryType, Reading};
use crate::views::{Access, Loan, View, Way};

/// A view that is kept.
pub(crate) struct Kept<D: Driver> {
    kind: &'static str,
    unit: u64,
    parent: Option<i64>,
    view: KeptView<D>,
    _memory: Option<Rc<D::Memory>>, // dropped after the view, which may borrow it
}

enum KeptView<D: Driver> {
    Free(Rc<dyn Way<D>>),
    Borrowed(Box<dyn Access>, Loan),
    /// The store was used in a way that ended the loan.
    Ended(Loan),
}

impl<D: Driver> Session<D> {
    pub(crate) fn memory_read(&self, id: i64, params: &Params<'_>, store: &mut Borrow<'_, '_, D>) -> Answer {
        let (memory_type, count) = self.what(params)?;
        let (memory, kind, at) = self.place(params, memory_type)?;
        let free = match self.driver().view_open(store.again(), &memory, kind, None, None)? {
            View::Borrowed(access, _) => Ok(access.read(at, memory_type, count)?),
            View::Free(way) => Err(way),
        };
        let reading = free.or_else(|way| way.read(store, at, memory_type, count))?;
        Ok(self.reading(id, memory_type, &reading))
    }

    pub(crate) fn memory_write(&self, params: &Params<'_>, store: &mut Borrow<'_, '_, D>) -> Answer {
        let memory_type = MemoryType::parse(params.get("type")?)?;
        let (memory, kind, at) = self.place(params, memory_type)?;
        let value = memory_type.packed(params.get("value")?, |json| self.integer(json))?;
        let free = match self.driver().view_open(store.again(), &memory, kind, None, None)? {
            View::Borrowed(mut access, _) => access.write(at, memory_type, &value).map(|()| None)?,
            View::Free(way) => Some(way),
        };
        free.map_or(Ok(()), |way| way.write(store, at, memory_type, &value))?;
        Ok(json!({}))
    }

    fn what(&self, params: &Params<'_>) -> Result<(MemoryType, Integer), Failure> {
        let memory_type = MemoryType::parse(params.get("type")?)?;
        let count = if memory_type == MemoryType::Bytes { self.integer(params.get("count")?)? } else { Integer(1) };
        Ok((memory_type, count))
    }

    /// The memory, the view kind and the index, in its units.
    fn place(
        &self,
        params: &Params<'_>,
        memory_type: MemoryType,
    ) -> Result<(D::Memory, &'static str, Integer), Failure> {
        let (memory, at) = (self.memory(params)?, self.integer(params.get("at")?)?);
        let kind = self.kind(params.0.get("view"), &memory, memory_type)?;
        Ok((memory, kind.kind, index(at, kind.unit)?))
    }

    fn kind(&self, asked: Option<&Json>, memory: &D::Memory, memory_type: MemoryType) -> Result<&ViewKind, Failure> {
        let default = self.driver().default_view(Some(memory), memory_type);
        let name = asked.and_then(Json::as_str).or(default);
        let name =
            name.ok_or_else(|| Failure::unsupported(format!("the API has no way to a {memory_type} of this memory")))?;
        let kind = self.kinds.get().expect("initialized").iter().find(|view| view.kind == name);
        let kind = kind.ok_or_else(|| Failure::unsupported(format!("no view kind {name}")))?;
        match kind.types.contains(&memory_type) {
            true => Ok(kind),
            false => Err(Failure::unsupported(format!("{name} does not do {memory_type}"))),
        }
    }

    fn reading(&self, id: i64, memory_type: MemoryType, reading: &Reading) -> Json {
        self.results.borrow_mut().insert(id, reading.unsigned(memory_type));
        reading.json(memory_type)
    }

    pub(crate) fn view_open(&self, id: i64, params: &Params<'_>, store: &mut Borrow<'_, '_, D>) -> Answer {
        let (offset, length) = (self.optional(params, "offset")?, self.optional(params, "length")?);
        if params.has("view") {
            return self.view_part(id, params.id("view")?, offset, length);
        }
        let memory = Rc::new(self.memory(params)?);
        let asked = params.0.get("kind").filter(|kind| !kind.is_null());
        let kind = match asked {
            Some(name) => self.kinds.get().expect("initialized").iter().find(|view| name == view.kind),
            None => Some(self.kind(None, &memory, MemoryType::U8)?),
        };
        let kind = kind.ok_or_else(|| Failure::unsupported(format!("no view kind {}", params.0["kind"])))?;
        let length = length.map(|length| index(length, kind.unit)).transpose()?;
        let view = match self.driver().view_open(store.again(), &memory, kind.kind, offset, length)? {
            View::Free(way) => KeptView::Free(way.into()),
            // SAFETY: the view borrows the store and the memory. The memory is kept with it. Whatever uses the store goes
            // through `Borrow`, which first ends the view where the borrow checker would (`store_is_used`); the store and
            // its context, or the caller of a host function, end only after all such views (`end_loans`).
            View::Borrowed(access, loan) => KeptView::Borrowed(
                unsafe { std::mem::transmute::<Box<dyn Access + '_>, Box<dyn Access + 'static>>(access) },
                loan,
            ),
        };
        let kept = Kept { kind: kind.kind, unit: kind.unit, parent: None, view, _memory: Some(memory) };
        made(&self.views, id, kept)
    }

    fn view_part(&self, id: i64, parent: i64, offset: Option<Integer>, length: Option<Integer>) -> Answer {
        let part = self.kept(parent, |kept| {
            let start = index(offset.unwrap_or(Integer(0)), kept.unit)?;
            let length = length.map(|length| index(length, kept.unit)).transpose()?;
            let stop = length.map(|length| Integer(start.0 + length.0));
            let view = match &mut kept.view {
                KeptView::Free(way) => KeptView::Free(way.part(start, stop)?.into()),
                KeptView::Ended(loan) => return Err(ended(*loan, kept.kind)),
                // SAFETY: as in `view_open`; a part of an exclusive view ends when that is used (`kept`).
                KeptView::Borrowed(access, loan) => KeptView::Borrowed(
                    unsafe {
                        std::mem::transmute::<Box<dyn Access + '_>, Box<dyn Access + 'static>>(
                            access.part(start, stop)?,
                        )
                    },
                    *loan,
                ),
            };
            Ok(Kept { kind: kept.kind, unit: kept.unit, parent: Some(parent), view, _memory: kept._memory.clone() })
        })?;
        made(&self.views, id, part)
    }

    pub(crate) fn view_length(&self, id: i64, params: &Params<'_>, store: &mut Borrow<'_, '_, D>) -> Answer {
        let free = self.kept(params.id("view")?, |kept| match &kept.view {
            KeptView::Free(way) => Ok(Err(way.clone())),
            KeptView::Borrowed(access, _) => access.length().map(Ok),
            KeptView::Ended(loan) => Err(ended(*loan, kept.kind)),
        })?;
        let length = free.or_else(|way| way.length(store))?;
        Ok(json!({"length": self.count(id, length)}))
    }

    pub(crate) fn view_read(&self, id: i64, params: &Params<'_>, store: &mut Borrow<'_, '_, D>) -> Answer {
        let (memory_type, count) = self.what(params)?;
        let at = self.integer(params.get("at")?)?;
        let free = self.kept(params.id("view")?, |kept| {
            let at = index(at, kept.unit)?;
            match &kept.view {
                KeptView::Free(way) => Ok(Err((way.clone(), at))),
                KeptView::Borrowed(access, _) => access.read(at, memory_type, count).map(Ok),
                KeptView::Ended(loan) => Err(ended(*loan, kept.kind)),
            }
        })?;
        let reading = free.or_else(|(way, at)| way.read(store, at, memory_type, count))?;
        Ok(self.reading(id, memory_type, &reading))
    }

    pub(crate) fn view_write(&self, params: &Params<'_>, store: &mut Borrow<'_, '_, D>) -> Answer {
        let memory_type = MemoryType::parse(params.get("type")?)?;
        let at = self.integer(params.get("at")?)?;
        let value = memory_type.packed(params.get("value")?, |json| self.integer(json))?;
        let free = self.kept(params.id("view")?, |kept| {
            let at = index(at, kept.unit)?;
            match &mut kept.view {
                KeptView::Free(way) => Ok(Some((way.clone(), at))),
                KeptView::Borrowed(access, _) => access.write(at, memory_type, &value).map(|()| None),
                KeptView::Ended(loan) => Err(ended(*loan, kept.kind)),
            }
        })?;
        free.map_or(Ok(()), |(way, at)| way.write(store, at, memory_type, &value))?;
        Ok(json!({}))
    }

    /// Use a kept view. What was reborrowed from an exclusive one ends with that.
    fn kept<T>(&self, id: i64, action: impl FnOnce(&mut Kept<D>) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut views = self.views.borrow_mut();
        if !views.contains_key(&id) {
            drop(views);
            return Err(self.unknown("view", id));
        }
        let mut over = vec![id];
        while let Some(parent) = over.pop() {
            for (id, kept) in views.iter_mut().filter(|(_, kept)| kept.parent == Some(parent)) {
                if matches!(kept.view, KeptView::Borrowed(_, Loan::Exclusive)) {
                    kept.view = KeptView::Ended(Loan::Exclusive);
                    over.push(*id);
                }
            }
        }
        action(views.get_mut(&id).expect("looked for above"))
    }

    /// The store is borrowed: what the borrow checker would end ends.
    pub(crate) fn store_is_used(&self, loan: Loan) {
        self.end_loans(loan);
    }

    /// End the views that are in the way of a shared or an exclusive use.
    pub(crate) fn end_loans(&self, with: Loan) {
        for kept in self.views.borrow_mut().values_mut() {
            match kept.view {
                KeptView::Borrowed(_, loan) if with == Loan::Exclusive || loan == Loan::Exclusive => {
                    kept.view = KeptView::Ended(loan);
                }
                _ => {}
            }
        }
    }
}

/// A number of bytes in units of a view kind.
fn index(bytes: Integer, unit: u64) -> Result<Integer, Failure> {
    let unit = i128::from(unit);
    match bytes.0 % unit {
        0 => Ok(Integer(bytes.0 / unit)),
        _ => Err(Failure::not_expressible(format!("{} bytes are no whole number of elements of {unit}", bytes.0))),
    }
}

fn ended(loan: Loan, kind: &str) -> Failure {
    Failure::not_expressible(match loan {
        Loan::Shared => format!("{kind} borrows the store, and does not outlive its next exclusive use"),
        Loan::Exclusive => format!("{kind} borrows the store exclusively, and does not outlive its next use"),
    })
}
