// SPDX-License-Identifier: MIT

package minderbinder

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	other   = "/etc/passwd"
	partKey = "MINDERBINDER_TEST_PART"
)

// Serve cannot delay a call. So these are the filter's on every kernel, also as root.
var (
	forFilter = Faults{fault, "openat=delay:1ms,path=/nowhere"}
	elsewhere = Faults{"openat=EIO,path=/nowhere", "openat=delay:1ms,path=/nowhere"}
)

// What test/cli/go-own-filter.test.ts runs, without minderbinder in front: one part in each process, with its arguments.
var parts = map[string]func(t *testing.T, arguments []string){
	"covers": covers, "killed": killed, "killed-at-random": killedAtRandom, "execs": execs, "reason": reason, "reach": reach,
	"many": many, "goroutines": goroutines, "busy": busy, "neighbours": neighbours, "leaves": leaves, "why": why, "network": network,
}

func TestPart(t *testing.T) {
	given := strings.Fields(os.Getenv(partKey))
	if len(given) == 0 {
		t.Skip("needs the name of a part")
	}
	part, isThere := parts[given[0]]
	if !isThere {
		t.Fatal("no such part")
	}
	part(t, given[1:])
}

// The helper may refuse, and end, before it has read what it was asked.
func TestTheLastMessageOfAnEndThatIsClosedIsRead(t *testing.T) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(ends[0])
	for _, end := range []int{ends[0], ends[1]} {
		if _, err := syscall.Write(end, []byte("last")); err != nil {
			t.Fatal(err)
		}
	}
	syscall.Close(ends[1])
	expect(t, "the message", string(receive(ends[0])), "last")
	expect(t, "the end", string(receive(ends[0])), "")
}

func refused(t *testing.T, config Config, with ...Option) *Error {
	t.Helper()
	inForce, err := Inject(config, with...)
	if err == nil {
		inForce.Lift()
		t.Fatal("it is in force")
	}
	var refused *Error
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	return refused
}

// Calls of every thread and of children are hit in the block, and none after it.
func covers(t *testing.T, _ []string) {
	if err := Unavailable(); err != nil {
		t.Fatal(err)
	}
	expect(t, "the children before", len(childrenOf(t)), 0)
	goOn, before := make(chan bool), make(chan bool)
	go func() { // On a thread that is there before the filter.
		runtime.LockOSThread()
		<-goOn
		before <- opens(file)
	}()
	WithFailures(t, Faults{fault}, func() {
		goOn <- true
		expect(t, "a goroutine from before opens", <-before, false)
		expect(t, "opens", opens(file), false)
		expect(t, "a goroutine opens", goroutineOpens(), false)
		expect(t, "a child opens", childOpens(), false)
		expect(t, "another file", opens(other), true)
	}, Reach("openat"))
	expectNothingInForce(t)
	if os.Geteuid() != 0 {
		expect(t, "the way", Available().Way, OwnFilter)
		expect(t, "the children after", len(childrenOf(t)), 0)
	}
}

func childrenOf(t *testing.T) []string {
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var children []string
	for _, list := range lists {
		children = append(children, strings.Fields(textOf(list))...)
	}
	return children
}

// A program that the test starts has the test's faults, and with faults of its own it hears whose filter there is.
func execs(t *testing.T, _ []string) {
	child := func(more ...string) *exec.Cmd {
		made := exec.Command(os.Args[0], "-test.run=TestPart", "-test.v")
		made.Env = append(os.Environ(), partKey+"="+strings.Join(append([]string{"reason"}, more...), " "))
		return made
	}
	free := child("waits")
	goOn, err := free.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	free.Stdout = &told
	if err := free.Start(); err != nil {
		t.Fatal(err)
	}
	WithFailures(t, forFilter, func() {
		said, err := child().Output()
		if owner := fmt.Sprintf("it is that of process %d, a test", os.Getpid()); err != nil || !strings.Contains(string(said), owner) {
			t.Error(err, string(said))
		}
		expect(t, "opens", opens(file), false)
		// It was there before the filter, and is hit by its own faults only.
		if _, err := goOn.Write([]byte("\n")); err != nil {
			t.Fatal(err)
		}
		if err := free.Wait(); err != nil || !strings.Contains(told.String(), "reason: none\n") {
			t.Error(err, told.String())
		}
	}, MayMiss)
	expectNothingInForce(t)
}

func reason(t *testing.T, arguments []string) {
	if len(arguments) > 0 {
		fmt.Scanln()
		expect(t, "opens", opens(file), true)
	}
	inForce, err := Inject(Faults{fault}, Thread) // Serve has no threads.
	if err == nil {
		expect(t, "opens", opens(file), false)
		expect(t, "its end", inForce.End(), nil)
		fmt.Println("reason: none")
		return
	}
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != "MB_SECCOMP" {
		t.Error(err)
	}
	fmt.Println("reason:", err)
	if why := Unavailable(); os.Geteuid() != 0 && (why == nil || !strings.Contains(why.Error(), refused.Message)) {
		t.Error(why)
	}
}

func reach(t *testing.T, _ []string) {
	expect(t, "a reach that is wrong", refused(t, Faults{fault}, Reach("opena")).Code, "MB_UNKNOWN_NAME")
	WithFailures(t, Faults{fault}, func() { expect(t, "opens", opens(file), false) }, Reach("openat"))
	err := refused(t, Faults{"connect=EIO"}, Reach("connect"))
	if err.Code != "MB_NO_ENGINE" || !strings.Contains(err.Message, "connect is beyond the reach") ||
		!strings.Contains(err.Hint, "the option reach, with connect in it") {
		t.Error(err)
	}
	err = refused(t, Faults{"--drop-net 100%"})
	if err.Code != "MB_NO_ENGINE" || !strings.Contains(err.Message, "not packets") {
		t.Error(err)
	}
}

func many(t *testing.T, _ []string) {
	descriptors := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	block := func() {
		WithFailures(t, Faults{fault}, func() { expect(t, "opens", opens(file), false) }, Thread)
	}
	block()
	before := descriptors()
	for i := 0; i < 1000; i++ {
		block()
	}
	expect(t, "descriptors", descriptors(), before)
}

// Goroutines that begin at the same moment share one filter, and each has its own faults.
func goroutines(t *testing.T, _ []string) {
	var running sync.WaitGroup
	gate := make(chan bool)
	for i := 0; i < 8; i++ {
		running.Add(1)
		go func() {
			defer running.Done()
			<-gate
			inForce, err := Inject(Faults{fault}, Thread)
			if err != nil {
				t.Error(err)
				return
			}
			expect(t, "opens", opens(file), false)
			counts, err := inForce.Lift()
			if err != nil || counts[0].Fired != 1 {
				t.Error(counts, err)
			}
		}()
	}
	close(gate)
	running.Wait()
	expectNothingInForce(t)
}

// The filter comes while all threads make calls that it names: the runtime's own for memory, and those of a fork.
func busy(t *testing.T, _ []string) {
	var over atomic.Value
	var running sync.WaitGroup
	each := func(do func()) {
		running.Add(1)
		go func() {
			defer running.Done()
			for over.Load() == nil {
				do()
			}
		}()
	}
	var kept [4][]byte
	for i := range kept {
		i := i
		each(func() { kept[i] = make([]byte, 4<<20); kept[i][0] = 1 })
	}
	each(runtime.GC)
	each(func() {
		if said, err := exec.Command("cat", file).CombinedOutput(); err != nil {
			t.Errorf("a child: %v: %s", err, said)
		}
	})
	each(func() {
		opened, err := os.Open(other)
		if err != nil {
			t.Error(err)
			return
		}
		opened.Close()
	})
	// With %memory in the reach, the runtime's own calls wait for answers, too.
	WithFailures(t, elsewhere, func() { opens("/nowhere") }, MayMiss, Reach("%memory+%file+%process+futex"))
	over.Store(true)
	running.Wait()
}

// Processes that wait for each other, with the faults of both in force: each is hit by its own only.
func neighbours(t *testing.T, arguments []string) {
	mine, others, folder := arguments[0], arguments[1], arguments[2]
	meet := func(what string) {
		if err := os.WriteFile(fmt.Sprintf("%s/%s-%s", folder, what, mine), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(fmt.Sprintf("%s/%s-%s", folder, what, others)); err == nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	WithFailures(t, Faults{"openat=EIO,path=/etc/" + mine}, func() {
		meet("in-force")
		expect(t, "mine", opens("/etc/"+mine), false)
		expect(t, "the other's", opens("/etc/"+others), true)
		meet("looked")
	})
}

// Where there is no way: the error, and what Available says.
func why(t *testing.T, _ []string) {
	err := refused(t, Faults{fault})
	fmt.Println("why:", err.Code, err)
	available := Available()
	expect(t, "the way", available.Way, Way(""))
	expect(t, "the last", available.Others[2], OtherWay{OwnFilter, err.Error()})
	if why := Unavailable(); why == nil || !strings.Contains(why.Error(), err.Message) {
		t.Error(why)
	}
}

// As root: packets are lost by serve, and calls fail by the filter, in one block.
func network(t *testing.T, _ []string) {
	expect(t, "the way", Available().Way, Serve)
	receiver, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	sender, err := net.Dial("udp", receiver.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	arrives := func(what string, within time.Duration) bool {
		if _, err := sender.Write([]byte(what)); err != nil {
			t.Fatal(err)
		}
		if err := receiver.SetReadDeadline(time.Now().Add(within)); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 16)
		n, _, err := receiver.ReadFrom(got)
		return err == nil && string(got[:n]) == what
	}
	lost := "--drop-net 100%,proto=udp,port=" + strings.Split(receiver.LocalAddr().String(), ":")[1]
	expect(t, "before", arrives("before", 10*time.Second), true)
	for i := 0; i < 2; i++ {
		inForce, err := Inject(Faults{fault, lost, "openat=EACCES,path=" + other})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "a packet arrives", arrives("lost", 100*time.Millisecond), false)
		expect(t, "opens", opens(file), false)
		expect(t, "opens the other", opens(other), false)
		counts, err := inForce.Lift()
		if err != nil || len(counts) != 3 {
			t.Fatal(counts, err)
		}
		for at, label := range []string{fault, lost[len("--"):], "openat=EACCES,path=" + other} {
			if !strings.Contains(label, counts[at].Label) && !strings.Contains(counts[at].Source, label) || counts[at].Fired == 0 {
				t.Errorf("%d: %+v", at, counts[at])
			}
		}
		expect(t, "its end", inForce.End(), nil)
		expect(t, "afterwards", arrives("after", 10*time.Second), true)
	}
	expectNothingInForce(t)
	o := observe(func(t testing.TB) { WithFailures(t, Faults{"--drop-net 100%,port=1", fault + "x"}, func() {}) })
	if said := strings.Join(o.said, "\n"); strings.Count(said, "never fired") != 2 {
		t.Error(said)
	}
}
