// SPDX-License-Identifier: MIT

package minderbinder

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

const (
	file  = "/etc/hostname"
	fault = "openat=EIO,path=" + file
)

func opens(path string) bool {
	opened, err := os.Open(path)
	if err != nil {
		return false
	}
	opened.Close()
	return true
}

func childOpens() bool { return exec.Command("cat", file).Run() == nil }

func goroutineOpens() bool {
	result := make(chan bool)
	go func() { result <- opens(file) }()
	return <-result
}

// A test that may fail without failing the one that looks on.
type observed struct {
	testing.TB
	failed   bool
	skipped  bool
	said     []string
	cleanups []func()
}

func (o *observed) Helper()           {}
func (o *observed) Failed() bool      { return o.failed }
func (o *observed) Skipped() bool     { return o.skipped }
func (o *observed) Cleanup(do func()) { o.cleanups = append(o.cleanups, do) }
func (o *observed) Logf(format string, arguments ...any) {
	o.said = append(o.said, fmt.Sprintf(format, arguments...))
}
func (o *observed) Errorf(format string, arguments ...any) {
	o.failed = true
	o.Logf(format, arguments...)
}
func (o *observed) FailNow() {
	o.failed = true
	runtime.Goexit()
}
func (o *observed) SkipNow() {
	o.skipped = true
	runtime.Goexit()
}
func (o *observed) Fatalf(format string, arguments ...any) {
	o.Logf(format, arguments...)
	o.FailNow()
}

// Runs a test in a goroutine of its own, as package testing does. It must not panic.
func observe(test func(testing.TB)) *observed {
	o := &observed{}
	ended := make(chan bool)
	go func() {
		defer close(ended)
		defer func() {
			for _, cleanup := range o.cleanups {
				cleanup()
			}
		}()
		test(o)
	}()
	<-ended
	return o
}

func expect(t *testing.T, what string, got, expected any) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: %v, not %v", what, got, expected)
	}
}

func expectNothingInForce(t *testing.T) {
	t.Helper()
	expect(t, "afterwards", opens(file), true)
	expect(t, "a child afterwards", childOpens(), true)
}

func TestFaultsAreInForceInTheBlockAndNotAfterIt(t *testing.T) {
	WithFailures(t, Faults{fault, "openat=EACCES,path=/etc/passwd,name=second"}, func() {
		expect(t, "opens", opens(file), false)
		expect(t, "a goroutine opens", goroutineOpens(), false)
		expect(t, "a child opens", childOpens(), false)
		expect(t, "the second", opens("/etc/passwd"), false)
	})
	expectNothingInForce(t)
}

func TestScopes(t *testing.T) {
	for _, each := range []struct {
		scope                  Scope
		self, goroutine, child bool
	}{
		{Tree, false, false, false},
		{Process, false, false, true},
		{Children, true, true, false},
		{Thread, false, true, true},
	} {
		WithFailures(t, Faults{fault}, func() {
			expect(t, string(each.scope), opens(file), each.self)
			expect(t, string(each.scope)+", a goroutine", goroutineOpens(), each.goroutine)
			expect(t, string(each.scope)+", a child", childOpens(), each.child)
		}, each.scope)
		expectNothingInForce(t)
	}
}

func TestThreadIsWhereTheGoroutineRunsUntilItsEnd(t *testing.T) {
	WithFailures(t, Faults{fault}, func() {
		before := syscall.Gettid()
		for i := 0; i < 100; i++ {
			runtime.Gosched()
			goroutineOpens()
		}
		expect(t, "the thread", syscall.Gettid(), before)
		expect(t, "opens", opens(file), false)
	}, Thread)
}

// Each waits for the other to be in its block.
func TestParallel(t *testing.T) {
	meeting := make(chan bool)
	meet := func() {
		select {
		case meeting <- true:
		case <-meeting:
		}
	}
	for _, each := range []struct{ mine, others string }{{file, "/etc/passwd"}, {"/etc/passwd", file}} {
		each := each
		t.Run(each.mine[5:], func(t *testing.T) {
			t.Parallel()
			WithFailures(t, Faults{"openat=EIO,path=" + each.mine}, func() {
				meet()
				expect(t, each.mine, opens(each.mine), false)
				expect(t, each.others, opens(each.others), true)
				expect(t, "a goroutine opens", goroutineOpens(), true)
				meet()
			}, Thread)
		})
	}
}

func TestNeverFired(t *testing.T) {
	for _, start := range []func(testing.TB, ...Option){
		func(t testing.TB, with ...Option) {
			WithFailures(t, Faults{fault + "x"}, func() { opens(file) }, with...)
		},
		func(t testing.TB, with ...Option) { Start(t, Faults{fault + "x"}, with...); opens(file) },
	} {
		o := observe(func(t testing.TB) { start(t) })
		expect(t, "failed", o.failed, true)
		if said := strings.Join(o.said, "\n"); !strings.Contains(said, "hostnamex never fired: 1 call, none with") ||
			!strings.Contains(said, "[MB_NEVER_FIRED]") || !strings.Contains(said, "seed ") {
			t.Error(said)
		}
		o = observe(func(t testing.TB) { start(t, MayMiss) })
		expect(t, "failed although it may miss", o.failed, false)
	}
}

func TestTheEndOfATestLiftsWhatStartBegan(t *testing.T) {
	t.Run("inner", func(t *testing.T) {
		inForce := Start(t, Faults{fault})
		expect(t, "opens", opens(file), false)
		counts, err := inForce.Counts()
		if err != nil || len(counts) != 1 || counts[0].Fired != 1 || counts[0].Label != fault {
			t.Error(counts, err)
		}
	})
	expectNothingInForce(t)
	o := observe(func(t testing.TB) { Start(t, Faults{fault}, Thread); t.SkipNow() })
	expect(t, "a test that is skipped fails", o.failed, false)
	expectNothingInForce(t)
}

func TestAFailureLifts(t *testing.T) {
	o := observe(func(t testing.TB) {
		WithFailures(t, Faults{fault}, func() { opens(file); t.FailNow() })
		t.Errorf("it goes on")
	})
	if len(o.said) != 1 || !strings.HasPrefix(o.said[0], "minderbinder: the block failed under: "+fault+" fired 1x; seed ") {
		t.Error(o.said)
	}
	expectNothingInForce(t)
}

func TestAPanicLifts(t *testing.T) {
	for _, scope := range []Scope{Tree, Thread} {
		o := observe(func(t testing.TB) {
			defer func() {
				if recovered := recover(); recovered != "its own" {
					t.Errorf("recovered %v", recovered)
				}
			}()
			WithFailures(t, Faults{fault}, func() { opens(file); panic("its own") }, scope)
		})
		expect(t, "failed", o.failed, false)
		expect(t, "lines", len(o.said), 1)
		expectNothingInForce(t)
	}
}

func TestAFaultThatIsWrongKeepsTheBlockFromRunning(t *testing.T) {
	for given, code := range map[string]string{"opena=EIO": "MB_UNKNOWN_NAME", "futex=EIO": "MB_NO_ENGINE", "--refuse-net 5%,interface=lo": "MB_NO_ENGINE"} {
		o := observe(func(t testing.TB) { WithFailures(t, Faults{given}, func() { t.Errorf("it ran") }) })
		if !o.failed || len(o.said) != 1 || !strings.Contains(o.said[0], "["+code+"]") {
			t.Error(given, o.said)
		}
	}
}

func TestConnectionsAreRefusedInTheBlockAndNotAfterIt(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	connects := func() bool {
		opened, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			return false
		}
		opened.Close()
		return true
	}
	WithFailures(t, Faults{"--refuse-net 100%,to=127.0.0.1"}, func() { expect(t, "connects", connects(), false) })
	expect(t, "connects afterwards", connects(), true)
}

func TestBlocksInBlocksWhateverTheyFault(t *testing.T) {
	WithFailures(t, Faults{"%net=EIO", "read=EIO"}, func() {
		WithFailures(t, Faults{fault}, func() { expect(t, "opens", opens(file), false) })
		expect(t, "opens again", opens(file), true)
	}, MayMiss)
}

func TestUnavailable(t *testing.T) {
	if err := Unavailable(); err != nil {
		t.Error(err)
	}
	given := os.Getenv(variable)
	t.Setenv(variable, "/nowhere")
	_, err := Inject(Faults{fault})
	if err == nil || !strings.Contains(err.Error(), "cannot connect to /nowhere: no such file or directory") {
		t.Error(err)
	}
	if given == "" {
		return // This process has a filter, or serve.
	}
	t.Setenv(variable, "")
	t.Setenv("PATH", "/nowhere")
	var refused *Error
	if _, err = Inject(Faults{fault}, Thread); !errors.As(err, &refused) || refused.Code != "MB_LAUNCHER" || refused.Hint == "" {
		t.Error(err)
	}
	if err = Unavailable(); err == nil || !strings.Contains(err.Error(), "is not set: minderbinder does not run this; ") {
		t.Error(err)
	}
}

func TestAConfigurationIsAsGoodAsTexts(t *testing.T) {
	config := FailureConfig{Syscall: []SyscallFailure{{Syscall: "openat", RetCode: "EIO", Path: file, FailureRate: 100}}}
	WithFailures(t, config, func() { expect(t, "opens", opens(file), false) })
	expectNothingInForce(t)
}

func TestARateThatWasForgottenIsRefused(t *testing.T) {
	for _, config := range []FailureConfig{
		{OutgoingNetwork: []OutgoingNetworkFailure{{DestPort: 443}}},
		{Syscall: []SyscallFailure{{Syscall: "openat", RetCode: "EIO"}}},
	} {
		var refused *Error
		if _, err := Inject(config); !errors.As(err, &refused) || !strings.Contains(refused.Message, "[0]: FailureRate is 0") {
			t.Error(err)
		}
	}
}

func TestBlocksOutsideOfATest(t *testing.T) {
	mb := &Minderbinder{}
	ran := false
	expect(t, "a block that met its fault", mb.WithFailures(Faults{fault}, func() error {
		ran = !opens(file)
		return nil
	}), nil)
	expect(t, "ran under the fault", ran, true)
	own := errors.New("its own")
	expect(t, "the block's error", mb.WithFailures(Faults{fault}, func() error { return own }), own)
	var missed *Error
	if err := mb.WithFailures(Faults{fault}, func() error { return nil }); !errors.As(err, &missed) || missed.Code != "MB_NEVER_FIRED" {
		t.Error(err)
	}
	expect(t, "what may miss", mb.WithFailures(Faults{fault}, func() error { return nil }, MayMiss), nil)
	func() {
		defer func() { expect(t, "the panic", recover(), any("its own")) }()
		mb.WithFailures(Faults{fault}, func() error { panic("its own") })
	}()
	expectNothingInForce(t)
}
