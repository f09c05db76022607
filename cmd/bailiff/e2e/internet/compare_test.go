package internet

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// atOnce is how many questions a resolver gets at a time.
const atOnce = 16

func TestRecursion_answersAsMostResolversDo(t *testing.T) {
	_, start := serve(t, everyZone())
	var resolvers []*resolver
	for _, d := range append([]daemon{bailiff}, peers...) {
		resolvers = append(resolvers, startResolver(t, d, start))
	}
	var all, last []question
	for _, z := range everyZone() {
		if z.name == "victim.test." {
			last = z.questions(t)
			continue
		}
		all = append(all, z.questions(t)...)
	}
	t.Logf("%d questions", len(all)+len(last))
	for _, round := range []struct {
		name      string
		questions []question
	}{
		{"cold", all},
		{"warm", append(all, last...)},
	} {
		t.Run(round.name, func(t *testing.T) { compare(t, resolvers, round.questions) })
	}
}

// compare asks every resolver every question, and judges.
func compare(t *testing.T, resolvers []*resolver, questions []question) {
	answers := make([]map[string]string, len(questions)) // by resolver
	var mu sync.Mutex
	var wait sync.WaitGroup
	for _, r := range resolvers {
		places := make(chan struct{}, atOnce)
		wait.Go(func() {
			var asking sync.WaitGroup
			for i, q := range questions {
				places <- struct{}{}
				asking.Go(func() {
					answer := r.ask(q)
					mu.Lock()
					if answers[i] == nil {
						answers[i] = map[string]string{}
					}
					answers[i][r.name] = answer
					mu.Unlock()
					<-places
				})
			}
			asking.Wait()
		})
	}
	wait.Wait()
	for i, q := range questions {
		judge(t, q, answers[i])
	}
}

// judge holds one question's answers against each other. A peer that keeps
// silent does not count; where all do, bailiff is judged by the zone's table.
func judge(t *testing.T, q question, answers map[string]string) {
	t.Helper()
	groups := map[string][]string{} // peers by answer
	for _, p := range peers {
		groups[answers[p.name]] = append(groups[answers[p.name]], p.name)
	}
	if len(groups) > 1 {
		t.Logf("%s: peers differ:\n%s", q, tell(groups))
	}
	delete(groups, noReply)
	most := 0
	for _, names := range groups {
		most = max(most, len(names))
	}
	maps.DeleteFunc(groups, func(_ string, names []string) bool { return len(names) < most })
	own, together := answers[bailiff.name], q.apart == "" && len(groups) > 0
	if _, agrees := groups[own]; together && !agrees || !together && !q.fits(own) {
		t.Errorf("%s: want %s %s, got\n%smost peers\n%s", q, q.rcode, q.want, tell(map[string][]string{own: {bailiff.name}}), tell(groups))
	}
	if together && !slices.ContainsFunc(slices.Collect(maps.Keys(groups)), q.fits) {
		t.Errorf("%s: the zone is wrong: want %s %s of most peers, got\n%s", q, q.rcode, q.want, tell(groups))
	}
}

// tell lists answers and who gave them.
func tell(groups map[string][]string) string {
	var text strings.Builder
	for _, answer := range slices.Sorted(maps.Keys(groups)) {
		slices.Sort(groups[answer])
		text.WriteString("\t" + strings.Join(groups[answer], ", ") + ": " + strings.ReplaceAll(answer, "\n", "\n\t\t") + "\n")
	}
	return text.String()
}
