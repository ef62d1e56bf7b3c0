// SPDX-License-Identifier: MIT

package minderbinder

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// The conversations of clients/transcript.jsonl, in their order. Another process plays the server: no call fails.
func TestTranscript(t *testing.T) {
	if os.Getenv("MINDERBINDER_TRANSCRIPT") == "" {
		t.Skip("needs a server that has the transcript")
	}
	oneFault(t)
	twoBlocksAtOnce(t)
	WithFailures(t, Faults{fault}, func() {}, Thread)
	for _, each := range []struct{ fault, code, message, hint string }{
		{fault + "x", "MB_NEVER_FIRED", "none with path=/etc/hostnamex; the nearest path was: /etc/hostname (seed 11)", "MayMiss"},
		{"open=EIO", "MB_NEVER_FIRED", "open=EIO never fired: open was never called", "openat"},
		{"opena=EIO", "MB_UNKNOWN_NAME", "unknown system call 'opena'", "open?"},
		{"futex=EIO", "MB_NO_ENGINE", "futex is beyond the reach", "--control=futex"},
		{"openat=EIO,path=/nowhere", "MB_CONTROL", "minderbinder has closed the control socket", "killed"},
	} {
		inForce, err := Inject(Faults{each.fault})
		if err == nil {
			err = inForce.End()
		}
		var refused *Error
		if !errors.As(err, &refused) || refused.Code != each.code || !strings.Contains(refused.Message, each.message) ||
			!strings.Contains(refused.Hint, each.hint) {
			t.Errorf("%s: %v", each.fault, err)
		}
	}
}

func oneFault(t *testing.T) {
	inForce := Start(t, Faults{fault})
	expect(t, "seed", inForce.Seed(), "11")
	counts, err := inForce.Counts()
	if err != nil || len(counts) != 1 {
		t.Fatal(counts, err)
	}
	expect(t, "so far", counts[0], Counts{Label: fault, Source: "--syscall " + fault, Seen: 2, Matched: 1, Fired: 1})
	counts, err = inForce.Lift()
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "in all", counts[0], Counts{Label: fault, Source: "--syscall " + fault, Seen: 3, Matched: 2, Fired: 2})
}

func twoBlocksAtOnce(t *testing.T) {
	var second *Failures
	both := Faults{"openat=EIO,path=/etc/hostname,name=one", "openat=EACCES,path=/etc/passwd,name=two"}
	WithFailures(t, both, func() { second = Start(t, Faults{"openat=EMFILE,path=/etc/group"}) }, Process)
	counts, err := second.Lift()
	if err != nil || len(counts) != 1 || counts[0].Fired != 2 {
		t.Error(counts, err)
	}
}
