//! A request's parameters.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::driver::Wasi;
use crate::failure::Failure;
use crate::values::ValueType;

/// Objects or results by the ids of the requests that made them.
pub(crate) type Table<T> = RefCell<HashMap<i64, T>>;
/// A request's result.
pub(crate) type Answer = Result<Json, Failure>;

/// A request's parameters, or a part of them.
pub(crate) struct Params<'a>(pub(crate) &'a Json);

impl<'a> Params<'a> {
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| !value.is_null())
    }

    pub(crate) fn get(&self, key: &str) -> Result<&'a Json, Failure> {
        self.0.get(key).ok_or_else(|| Failure::invalid(format!("a parameter is missing: {key}")))
    }

    pub(crate) fn text(&self, key: &str) -> Result<&'a str, Failure> {
        self.get(key)?.as_str().ok_or_else(|| Failure::invalid(format!("{key} is a text")))
    }

    pub(crate) fn id(&self, key: &str) -> Result<i64, Failure> {
        id_of(self.get(key)?)
    }

    pub(crate) fn types(&self, key: &str) -> Result<Vec<ValueType>, Failure> {
        let types = self.get(key)?.as_array().ok_or_else(|| Failure::invalid(format!("{key} is a list of types")))?;
        types.iter().map(ValueType::parse).collect()
    }
}

pub(crate) fn id_of(json: &Json) -> Result<i64, Failure> {
    json.as_i64().ok_or_else(|| Failure::invalid(format!("{json} is no request's id")))
}

pub(crate) fn made<T>(table: &Table<T>, id: i64, object: T) -> Answer {
    table.borrow_mut().insert(id, object);
    Ok(json!({}))
}

pub(crate) fn told_wasi(given: &Json) -> Wasi {
    let text = |json: &Json| json.as_str().unwrap_or_default().to_string();
    let pairs = |json: &Json| -> Vec<(String, String)> {
        json.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), text(value))).collect()
    };
    Wasi {
        version: given["version"].as_str().unwrap_or("preview1").into(),
        args: given["args"].as_array().into_iter().flatten().map(text).collect(),
        env: pairs(&given["env"]),
        preopens: pairs(&given["preopens"]).into_iter().map(|(guest, host)| (guest, PathBuf::from(host))).collect(),
    }
}
