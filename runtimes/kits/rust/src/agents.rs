//! Agents: threads that run at once, each with an instance in a store of its own.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread::{JoinHandle, spawn};

use serde_json::{Value as Json, json};

use crate::driver::{Borrow, Driver};
use crate::failure::Failure;
use crate::panics::caught;
use crate::params::Params;
use crate::session::Session;
use crate::values::{Value, ValueType};
use crate::views::Loan;

/// What an agent's thread is given.
pub(crate) struct Agent<D: Driver> {
    pub(crate) seed: D::AgentSeed,
    pub(crate) memories: HashMap<i64, D::Memory>,
    pub(crate) steps: Vec<Step>,
}

/// What an agent does.
pub(crate) enum Step {
    /// It calls its instance's export.
    Call { name: String, args: Vec<Value>, results: Vec<ValueType>, times: usize },
    /// Its own host uses a memory or a view.
    Host { id: i64, method: String, params: Json },
}

/// For each step what it gave in each round, as answers have it.
type Played = Vec<Vec<Json>>;

/// An agent whose instance is made, and which waits to begin.
struct Ready {
    go: Sender<Arc<Barrier>>,
    thread: JoinHandle<Played>,
}

/// Agents that have begun.
pub(crate) struct Agents(Vec<JoinHandle<Played>>);

impl Agents {
    /// Have every agent make its instance, one after the other; then let them begin. If one has none, none begins.
    pub(crate) fn begin<D: Driver>(driver: &'static D, agents: Vec<Agent<D>>, rounds: usize) -> Result<Self, Failure> {
        let meeting = Arc::new(Barrier::new(agents.len()));
        let mut ready: Vec<Ready> = Vec::new();
        for agent in agents {
            let (made, is_made) = channel();
            let (go, begins) = channel();
            let thread = spawn(move || live(driver, agent, rounds, &made, &begins));
            ready.push(Ready { go, thread });
            if let Err(failure) = is_made.recv().expect("an agent says how its instance came out") {
                for Ready { go, thread } in ready {
                    drop(go);
                    let _ = thread.join();
                }
                return Err(failure);
            }
        }
        for agent in &ready {
            agent.go.send(meeting.clone()).expect("an agent waits to begin");
        }
        Ok(Self(ready.into_iter().map(|agent| agent.thread).collect()))
    }

    /// Wait for all to end: what `agents.run` and `agents.finish` answer.
    pub(crate) fn end(self) -> Json {
        let played: Vec<Played> =
            self.0.into_iter().map(|thread| thread.join().expect("agents do not panic")).collect();
        json!({"agents": played})
    }
}

fn live<D: Driver>(
    driver: &'static D,
    given: Agent<D>,
    rounds: usize,
    made: &Sender<Result<(), Failure>>,
    begins: &Receiver<Arc<Barrier>>,
) -> Played {
    let mut agent = match caught(|| driver.agent_create(given.seed)) {
        Ok(agent) => agent,
        Err(failure) => {
            let _ = made.send(Err(failure));
            return Vec::new();
        }
    };
    let _ = made.send(Ok(()));
    let Ok(meeting) = begins.recv() else { return Vec::new() };
    let session = Session::of_agent(driver, given.memories);
    let mut played: Played = given.steps.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        meeting.wait();
        for (step, answers) in given.steps.iter().zip(&mut played) {
            let answer = play(driver, &mut agent, &session, step);
            answers.push(answer.unwrap_or_else(|failure| json!({"error": failure.json()})));
        }
    }
    played
}

/// What a step gave: of calls the last, or the first that failed.
fn play<D: Driver>(driver: &D, agent: &mut D::Agent, session: &Session<D>, step: &Step) -> Result<Json, Failure> {
    match step {
        Step::Call { name, args, results, times } => {
            session.end_loans(Loan::Exclusive);
            let mut values = Vec::new();
            for _ in 0..*times {
                values = caught(|| driver.agent_call(agent, name, args, results))?;
            }
            Ok(json!({"values": values.iter().map(|value| value.json()).collect::<Vec<_>>()}))
        }
        Step::Host { id, method, params } => {
            let mut context = D::agent_context(agent);
            let mut store = Borrow::new(&mut context, session);
            let answer = caught(|| session.host_step(*id, method, &Params(params), &mut store));
            if answer.is_err() {
                session.failed(*id);
            }
            answer
        }
    }
}
