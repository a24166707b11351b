package kit

import (
	"encoding/json"
	"maps"
	"runtime"
	"sync"
)

// Agents are goroutines that begin together, each with a thread and an instance of its own.
type agents struct {
	all   []*agent
	ended sync.WaitGroup
}

type agent struct {
	host    *session // what its thread asks of memories and views: it has those of the driver, and views of its own
	module  Module
	imports []Import
	calls   []agentCall
	answers [][]any // for each call, for each round
}

// An agentCall is a call of the guest, or a request of the agent's host.
type agentCall struct {
	ID      int64
	Method  string
	Params  params
	Name    string
	Args    []argument
	Results []string
	Times   int
	args    []Typed
}

func runAgents(s *session, _ int64, p *params) (any, error) {
	begun, err := s.begin(p)
	if err != nil {
		return nil, err
	}
	return s.end(begun), nil
}

func startAgents(s *session, id int64, p *params) (any, error) {
	begun, err := s.begin(p)
	return s.keep(id, begun, err)
}

func finishAgents(s *session, _ int64, p *params) (any, error) {
	var id int64
	decode(p.Agents, &id)
	begun := find[*agents](s, "agents", s.objects, id)
	delete(s.objects, id)
	return s.end(begun), nil
}

func (a *agents) end() { a.ended.Wait() }

func (s *session) end(begun *agents) any {
	begun.end()
	answers := make([][][]any, len(begun.all))
	for i, agent := range begun.all {
		answers[i] = agent.answers
	}
	return object{"agents": answers}
}

// begin makes one instance after the other, each in its agent's goroutine, and lets all go. If one can't be made, none
// begins. Its error is that of instance.create.
func (s *session) begin(p *params) (*agents, error) {
	host := optional[AgentHost](s, "share a memory with another thread")
	begun := &agents{}
	for _, item := range s.wanted(p.Agents) {
		begun.all = append(begun.all, item)
	}
	rounds := max(p.Rounds, 1)
	made, goAhead := make(chan error), make(chan bool)
	meeting := newMeeting(len(begun.all))
	for started, item := range begun.all {
		begun.ended.Add(1)
		go func() {
			defer begun.ended.Done()
			runtime.LockOSThread() // agents are threads; the thread ends with the goroutine
			var instance Instance
			made <- s.attempt(func() (err error) {
				instance, err = host.NewAgent(item.module, item.imports)
				return err
			})
			if <-goAhead {
				s.live(item, instance, meeting, rounds)
			}
		}()
		if err := <-made; err != nil {
			for range started + 1 {
				goAhead <- false
			}
			begun.end()
			return nil, &instantiation{err}
		}
	}
	for range begun.all {
		goAhead <- true
	}
	return begun, nil
}

// An instantiation is the error of an agent's, which is told as one of instance.create.
type instantiation struct{ error }

func (i *instantiation) Unwrap() error { return i.error }

func (s *session) wanted(raw json.RawMessage) []*agent {
	var given []struct {
		Module  int64
		Imports []imported
		Calls   []agentCall
	}
	decode(raw, &given)
	found := make([]*agent, len(given))
	for i, item := range given {
		host := *s
		host.objects, host.failed, host.results = maps.Clone(s.objects), maps.Clone(s.failed), map[int64]Typed{}
		found[i] = &agent{host: &host, module: s.module(item.Module), imports: s.imports(item.Imports), calls: item.Calls}
		for j := range item.Calls {
			item.Calls[j].args = s.arguments(item.Calls[j].Args)
		}
		found[i].answers = make([][]any, len(item.Calls))
	}
	return found
}

func (s *session) live(a *agent, instance Instance, meeting *meeting, rounds int) {
	for range rounds {
		meeting.wait()
		for i, call := range a.calls {
			if call.Method != "" {
				a.answers[i] = append(a.answers[i], a.host.ask(call))
			} else {
				a.answers[i] = append(a.answers[i], s.play(instance, call))
			}
		}
	}
}

// ask is the answer to a request of an agent's host.
func (s *session) ask(asked agentCall) (answer any) {
	err := s.attempt(func() (err error) {
		answer, err = methods[asked.Method](s, asked.ID, &asked.Params)
		return err
	})
	if err != nil {
		s.failed[asked.ID] = true
		return object{"error": s.told(asked.Method, err)}
	}
	return answer
}

// play makes a call as often as is asked for, and tells what the last one gave, or the first error.
func (s *session) play(instance Instance, call agentCall) any {
	var values []Typed
	for range max(call.Times, 1) {
		err := s.attempt(func() (err error) {
			values, err = instance.Call(call.Name, call.args, call.Results)
			return err
		})
		if err != nil {
			return object{"error": s.told("function.call", err)}
		}
	}
	return object{"values": append([]Typed{}, values...)}
}

// A meeting lets goroutines go on when all have come.
type meeting struct {
	lock    sync.Mutex
	all     *sync.Cond
	size    int
	present int
	round   int
}

func newMeeting(size int) *meeting {
	m := &meeting{size: size}
	m.all = sync.NewCond(&m.lock)
	return m
}

func (m *meeting) wait() {
	m.lock.Lock()
	defer m.lock.Unlock()
	round := m.round
	m.present++
	if m.present == m.size {
		m.present = 0
		m.round++
		m.all.Broadcast()
	}
	for round == m.round {
		m.all.Wait()
	}
}
