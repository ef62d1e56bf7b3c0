// SPDX-License-Identifier: MIT

package minderbinder

import (
	"fmt"
	"strings"
	"testing"
)

// WithFailures runs block while the faults are in force, and lifts them at its end, however that comes about: a panic and
// t.FailNow lift them, too. A fault that never fires fails the test.
func WithFailures(t testing.TB, config Config, block func(), with ...Option) {
	t.Helper()
	inForce, err := Inject(config, with...)
	if err != nil {
		t.Fatalf("minderbinder: %v", err)
	}
	whole := false
	defer func() {
		t.Helper()
		finish(t, inForce, whole)
	}()
	block()
	whole = true
}

// Start puts the faults in force until the test ends, or until Lift. A fault that never fires fails the test. With Thread,
// call it in the test's own goroutine.
func Start(t testing.TB, config Config, with ...Option) *Failures {
	t.Helper()
	inForce, err := Inject(config, with...)
	if err != nil {
		t.Fatalf("minderbinder: %v", err)
	}
	t.Cleanup(func() { finish(t, inForce, !t.Failed() && !t.Skipped()) })
	return inForce
}

// Only a block that ran to its end must have met its faults.
func finish(t testing.TB, inForce *Failures, whole bool) {
	t.Helper()
	counts, err := inForce.Lift()
	if err == nil && whole {
		err = inForce.End()
	}
	if err != nil {
		t.Errorf("minderbinder: %v", err)
		return
	}
	if whole && !t.Failed() {
		return
	}
	each := make([]string, len(counts))
	for at, fault := range counts {
		each[at] = fmt.Sprintf("%s fired %dx", fault.Label, fault.Fired)
	}
	t.Logf("minderbinder: the block failed under: %s; seed %s", strings.Join(each, ", "), inForce.Seed())
}
