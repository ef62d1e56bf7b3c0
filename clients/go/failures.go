// SPDX-License-Identifier: MIT

// Package minderbinder breaks the code under test for the length of one block: the kernel's calls fail, in all
// goroutines of this process and in the processes that it starts. It needs the program minderbinder on PATH, the standard
// library and no cgo. Available says how it works here.
package minderbinder

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

// Scope says which processes the faults hit. It is an Option.
type Scope string

const (
	// Tree is the default: this process with all of its goroutines, and all processes that descend from it.
	Tree Scope = "tree"
	// Process is this process with all of its goroutines.
	Process Scope = "process"
	// Children are the processes that descend from this one and start from now on.
	Children Scope = "children"
	// Thread is the goroutine that injects, which stays locked to its thread (runtime.LockOSThread) until the faults are
	// lifted: goroutines that it starts are not hit, and neither are tests that run in parallel.
	Thread Scope = "thread"
)

// Option changes what WithFailures, Start and Inject do.
type Option interface{ apply(*options) }

// MayMiss keeps a fault that never fires from being an error.
const MayMiss mayMiss = true

type mayMiss bool

// Reach limits which calls faults may name, such as "openat+connect", if this process filters its own calls (OwnFilter). Only
// its first faults can set it. It is an Option.
type Reach string

type options struct {
	scope   Scope
	mayMiss bool
	reach   Reach
}

func (s Scope) apply(o *options)   { o.scope = s }
func (m mayMiss) apply(o *options) { o.mayMiss = bool(m) }
func (r Reach) apply(o *options)   { o.reach = r }

// Counts say what one fault has done.
type Counts struct {
	Label       string
	Source      string // The fault as it was written.
	Seen        int    // Calls that it names.
	Matched     int    // Those of them to which its keys apply.
	Fired       int    // Those of them that it made fail.
	WhyNotFired string // The reason, if it never fired.
	Hint        string // There if it never fired, and something is known that helps.
}

// Failures are faults in force.
type Failures struct {
	parts    []*part
	options  options
	guard    sync.Mutex // For what follows.
	isLifted bool
	lifted   []Counts
	err      error
}

// Inject puts faults in force until Lift or End.
func Inject(config Config, with ...Option) (*Failures, error) {
	faults, err := config.faults()
	if err != nil {
		return nil, err
	}
	f := &Failures{options: options{scope: Tree}}
	for _, option := range with {
		option.apply(&f.options)
	}
	asked := request{Type: "inject", Faults: faults, Scope: f.options.scope}
	if f.options.scope == Thread {
		runtime.LockOSThread()
		asked.Tid = syscall.Gettid()
	}
	f.parts, err = injectParts(asked, f.options.reach)
	if err != nil {
		f.unlock()
		return nil, err
	}
	return f, nil
}

func (f *Failures) unlock() {
	if f.options.scope == Thread {
		runtime.UnlockOSThread()
	}
}

// Seed is what choices by chance depend on: minderbinder exec --seed repeats them.
func (f *Failures) Seed() string { return f.parts[0].connection.seed }

// Counts says what each fault has done so far; after Lift, in all.
func (f *Failures) Counts() ([]Counts, error) {
	f.guard.Lock()
	defer f.guard.Unlock()
	if f.isLifted {
		return f.lifted, f.err
	}
	return f.each(func(p *part) ([]placed, error) { return p.counts("counts") })
}

// Lift ends the faults: from here on they hit nothing. The second time it changes nothing.
func (f *Failures) Lift() ([]Counts, error) {
	f.guard.Lock()
	defer f.guard.Unlock()
	if !f.isLifted {
		f.isLifted = true
		f.lifted, f.err = f.each((*part).lift)
		f.unlock()
	}
	return f.lifted, f.err
}

// End is Lift, and an error if a fault never fired, unless MayMiss allows that.
func (f *Failures) End() error {
	counts, err := f.Lift()
	if err != nil || f.options.mayMiss {
		return err
	}
	return f.neverFired(counts)
}

// All of them, whatever comes of one.
func (f *Failures) each(do func(*part) ([]placed, error)) ([]Counts, error) {
	var all []placed
	var failed error
	for _, part := range f.parts {
		counts, err := do(part)
		all = append(all, counts...)
		if failed == nil {
			failed = err
		}
	}
	if failed != nil {
		return nil, failed
	}
	return inOrder(all), nil
}

func (f *Failures) neverFired(counts []Counts) error {
	var missed []string
	hint := "MayMiss allows it"
	for _, fault := range counts {
		if fault.Fired > 0 {
			continue
		}
		missed = append(missed, fmt.Sprintf("%s never fired: %s", fault.Label, fault.WhyNotFired))
		if fault.Hint != "" {
			hint = fault.Hint
		}
	}
	if missed == nil {
		return nil
	}
	return &Error{"MB_NEVER_FIRED", fmt.Sprintf("%s (seed %s)", strings.Join(missed, "; "), f.Seed()), hint}
}
