package linmem.kit;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;

/** The protocol's methods for agents: threads that run at once, each with an instance of its own. */
final class Agents<P, I, F, G, M> {
    private final Session<P, I, F, G, M> session;
    private final List<List<Agent>> running = new ArrayList<>();

    Agents(Session<P, I, F, G, M> session) {
        this.session = session;
    }

    void addTo(Map<String, Session.Method> methods) {
        methods.put("agents.run", (id, params) -> ended(begun(params)));
        methods.put("agents.start", this::start);
        methods.put("agents.finish", this::finish);
    }

    private JsonObject start(int id, JsonObject params) {
        List<Agent> agents = begun(params);
        running.add(agents);
        session.table.put(id, Table.Kind.AGENTS, agents);
        return new JsonObject();
    }

    @SuppressWarnings("unchecked")
    private JsonObject finish(int id, JsonObject params) {
        List<Agent> agents = (List<Agent>) session.table.object(Table.Kind.AGENTS, params, "agents");
        session.table.drop(Table.id(params, "agents"));
        running.remove(agents);
        return ended(agents);
    }

    /** Wait for agents that nobody has asked for. */
    void endAll() {
        running.forEach(agents -> agents.forEach(Agent::end));
        running.clear();
    }

    /** Agents that have begun; if one has no instance, none does. */
    private List<Agent> begun(JsonObject params) {
        List<Agent> agents = new ArrayList<>();
        JsonArray described = Table.array(params, "agents");
        int rounds = params.has("rounds") ? session.table.integer(params, "rounds").intValueExact() : 1;
        CyclicBarrier meeting = new CyclicBarrier(Math.max(1, described.size()));
        described.forEach(item -> agents.add(new Agent(Table.object(item), meeting, rounds)));
        for (Agent agent : agents) { // one instance after the other is made
            agent.begin();
            if (agent.failure != null) {
                agents.forEach(other -> other.go(false));
                agents.forEach(Agent::end);
                throw agent.failure instanceof RuntimeException own && isOwn(own)
                        ? own
                        : new Failed("instance.create", agent.failure);
            }
        }
        agents.forEach(agent -> agent.go(true));
        return agents;
    }

    private static boolean isOwn(RuntimeException error) {
        return error instanceof Refused || error instanceof Driver.MethodMissing;
    }

    /** What agents came to, when all have ended. */
    private JsonObject ended(List<Agent> agents) {
        JsonArray all = new JsonArray();
        for (Agent agent : agents) {
            agent.end();
        }
        for (Agent agent : agents) {
            JsonArray calls = new JsonArray();
            agent.acts.forEach(act -> calls.add(act.outcomes()));
            all.add(calls);
        }
        return Answers.of("agents", all);
    }

    /** A global is a new one for each agent, made where its instance is. */
    private Import<I, G, M> imported(JsonObject item) {
        if (!item.has("global")) {
            return session.imported(item);
        }
        JsonObject described = Table.object(item.get("global"));
        return new Import.New<>(Table.text(item, "module"), Table.text(item, "name"),
                session.table.argument(described), Table.flag(described, "mutable"));
    }

    /** What an agent does, and its outcome in each round. */
    private sealed interface Act {
        JsonArray outcomes();
    }

    private record Call(String name, List<Value> args, List<String> results, int times, JsonArray outcomes)
            implements Act {}

    /** What an agent's own host asks of memories and views. */
    private record Step(int id, String method, JsonObject params, JsonArray outcomes) implements Act {}

    /** One agent: its thread and its instance. */
    private final class Agent {
        private final P module;
        private final List<Import<I, G, M>> imports = new ArrayList<>();
        private final List<Act> acts = new ArrayList<>();
        private final Table table = session.table.forAgent();
        private final Map<String, Session.Method> steps = new HashMap<>();
        private final CyclicBarrier meeting;
        private final int rounds;
        private final CountDownLatch made = new CountDownLatch(1);
        private final CountDownLatch decided = new CountDownLatch(1);
        private volatile boolean going;
        private volatile Throwable failure; // why there is no instance
        private Thread thread;

        Agent(JsonObject described, CyclicBarrier meeting, int rounds) {
            this.meeting = meeting;
            this.rounds = rounds;
            module = session.module(described);
            Table.array(described, "imports").forEach(item -> imports.add(imported(Table.object(item))));
            Table.array(described, "calls").forEach(item -> acts.add(act(Table.object(item))));
            new Memories<>(session.driver(), table).addAccess(steps);
        }

        private Act act(JsonObject given) {
            if (given.has("method")) {
                JsonObject params = Table.object(Table.need(given, "params"));
                return new Step(Table.id(given, "id"), Table.text(given, "method"), params, new JsonArray());
            }
            return new Call(Table.text(given, "name"), session.table.arguments(Table.array(given, "args")),
                    Table.texts(given, "results"), session.table.integer(given, "times").intValueExact(),
                    new JsonArray());
        }

        /** Start the thread; give it the time to make its instance. */
        void begin() {
            thread = new Thread(this::live, "agent");
            thread.setDaemon(true);
            thread.start();
            await(made);
        }

        void go(boolean going) {
            this.going = going;
            decided.countDown();
        }

        void end() {
            try {
                if (thread != null) {
                    thread.join();
                }
            } catch (InterruptedException error) {
                throw new IllegalStateException(error);
            }
        }

        private void live() {
            I instance = null;
            try {
                instance = session.driver().agentCreate(module, imports);
            } catch (Throwable error) {
                failure = error;
            }
            made.countDown();
            await(decided);
            try {
                for (int round = 0; going && round < rounds; round++) {
                    meeting.await();
                    for (Act act : acts) {
                        act.outcomes().add(
                                act instanceof Call call ? called(instance, call) : answered((Step) act));
                    }
                }
            } catch (BrokenBarrierException | InterruptedException | RuntimeException | Error defect) {
                Channel.defect(defect);
            }
        }

        private JsonObject called(I instance, Call call) {
            try {
                List<Value> values = List.of();
                for (int i = 0; i < call.times; i++) {
                    values = Session.ask("function.call",
                            () -> session.driver().functionCall(instance, call.name, call.args, call.results));
                }
                return Answers.values(values);
            } catch (RuntimeException error) {
                return Answers.of("error", Answers.error(session.driver(), "function.call", error));
            }
        }

        private JsonObject answered(Step step) {
            try {
                Session.Method method = steps.get(step.method);
                if (method == null) {
                    throw new BadParams("agents have no step " + step.method);
                }
                return method.answer(step.id, step.params);
            } catch (RuntimeException error) {
                table.failed(step.id, false);
                return Answers.of("error", Answers.error(session.driver(), step.method, error));
            }
        }

        private void await(CountDownLatch latch) {
            try {
                latch.await();
            } catch (InterruptedException error) {
                throw new IllegalStateException(error);
            }
        }
    }
}
