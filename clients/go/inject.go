// SPDX-License-Identifier: MIT

package minderbinder

import (
	"errors"
	"os"
	"sort"
)

// Rules of one block that one connection has in force. As root there may be two connections: system calls that serve cannot
// fault are left to the filter of this process. All of a block's system call faults are at one place, since the first that
// fires wins.
type part struct {
	connection *connection
	rules      []int
	places     map[int]int // Of each rule, in the block.
	left       int
	leave      func()
}

// injectParts puts all of them in force, or none.
func injectParts(asked request, reach Reach) ([]*part, error) {
	if os.Getenv(variable) != "" || os.Geteuid() != 0 {
		return one(bySocket(asked, reach))
	}
	serve, why := ownServe()
	if why != nil {
		return one(byFilter(asked, reach, why))
	}
	if serve.engine != "" { // Without one, it can fault no system call.
		var all *part
		if all, why = ask(serve, asked); why == nil || !isNoEngine(why) {
			return one(all, why)
		}
	}
	asked.Only = "network"
	network, err := ask(serve, asked)
	asked.Only = ""
	if err != nil {
		if isNoEngine(err) {
			return one(byFilter(asked, reach, err))
		}
		return nil, err
	}
	if network.left == 0 {
		return one(network, nil)
	}
	if len(network.rules) == 0 {
		return one(byFilter(asked, reach, why))
	}
	asked.Only = "syscall"
	syscalls, err := byFilter(asked, reach, why)
	if err != nil {
		_, _ = network.lift() // The caller must hear why there is no block.
		return nil, err
	}
	return []*part{network, syscalls}, nil
}

func one(only *part, err error) ([]*part, error) {
	if err != nil {
		return nil, err
	}
	return []*part{only}, nil
}

// byFilter adds why serve does not do it, if that was asked.
func byFilter(asked request, reach Reach, why error) (*part, error) {
	made, err := bySocket(asked, reach)
	var refused, serves *Error
	if errors.As(err, &refused) && isNoEngine(err) && errors.As(why, &serves) {
		message := refused.Message + "; minderbinder serve cannot do it either: " + serves.Message
		return nil, &Error{refused.Code, message, refused.Hint}
	}
	return made, err
}

func bySocket(asked request, reach Reach) (*part, error) {
	joined, err := join(reach)
	if err != nil {
		return nil, err
	}
	made, err := ask(joined, asked)
	if err != nil {
		joined.leave()
		return nil, err
	}
	made.leave = joined.leave
	return made, nil
}

// The connection stays when it is left.
func ask(c *connection, asked request) (*part, error) {
	got, err := c.ask(asked)
	if err != nil {
		return nil, err
	}
	made := &part{connection: c, places: map[int]int{}, left: got.Left, leave: func() {}}
	for at, rule := range got.Rules {
		made.rules = append(made.rules, rule.Rule)
		made.places[rule.Rule] = at
		if at < len(got.Places) {
			made.places[rule.Rule] = got.Places[at]
		}
	}
	return made, nil
}

// Another way may do what this one cannot.
func isNoEngine(err error) bool {
	var refused *Error
	return errors.As(err, &refused) && refused.Code == "MB_NO_ENGINE"
}

// What a fault of a block has done, and its place there.
type placed struct {
	place int
	Counts
}

func (p *part) counts(about string) ([]placed, error) {
	got, err := p.connection.ask(request{Type: about, Rules: p.rules})
	if err != nil {
		return nil, err
	}
	counts := make([]placed, len(got.Rules))
	for at, rule := range got.Rules {
		counts[at] = placed{p.places[rule.Rule], rule.Counts}
	}
	return counts, nil
}

func (p *part) lift() ([]placed, error) {
	defer p.leave()
	return p.counts("lift")
}

func inOrder(all []placed) []Counts {
	sort.Slice(all, func(i, j int) bool { return all[i].place < all[j].place })
	counts := make([]Counts, len(all))
	for at, each := range all {
		counts[at] = each.Counts
	}
	return counts
}
