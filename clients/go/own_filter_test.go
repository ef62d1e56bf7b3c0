// SPDX-License-Identifier: MIT

package minderbinder

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
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

func textOf(path string) string {
	text, _ := os.ReadFile(path) // It is gone, or another user's.
	return string(text)
}

func numberIn(pattern, text string) int {
	match := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if match == nil {
		return 0
	}
	number, _ := strconv.Atoi(match[1])
	return number
}

func parentIn(pid int) int {
	return numberIn(`(?m)^PPid:\s*(\d+)`, textOf(fmt.Sprintf("/proc/%d/status", pid)))
}

func pidsOf(comm string, is func(pid int) bool) []int {
	var pids []int
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, each := range all {
		pid, _ := strconv.Atoi(filepath.Base(each))
		if textOf(each+"/comm") == comm+"\n" && is(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// The supervisor of this process, which has its pidfd, its node, and its keeper.
func helpers(t *testing.T) map[string]int {
	t.Helper()
	ours := fmt.Sprintf(`(?m)^Pid:\s*(%d)$`, os.Getpid())
	for _, pid := range pidsOf("mb-supervisor", func(int) bool { return true }) {
		infos, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
		for _, info := range infos {
			if numberIn(ours, textOf(info)) == 0 {
				continue
			}
			keepers := pidsOf("mb-keeper", func(keeper int) bool { return parentIn(keeper) == pid })
			if len(keepers) != 1 {
				t.Fatal("keepers:", keepers)
			}
			return map[string]int{"supervisor": pid, "node": parentIn(pid), "keeper": keepers[0]}
		}
	}
	t.Fatal("no supervisor")
	return nil
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

// One of the helpers is killed in a block: all calls go on, and those that wait for an answer, too.
func killed(t *testing.T, arguments []string) {
	inForce, err := Inject(Faults{fault, "openat=delay:100s,path=" + other})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "opens", opens(file), false)
	child := exec.Command("sh", "-c", "read go; cat /etc/hostname >/dev/null && exec 3</etc/passwd && echo opened")
	goOn, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	child.Stdout = &said
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	victim := helpers(t)[arguments[0]]
	if arguments[0] == "keeper" {
		if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		expect(t, "opens without a keeper", opens(file), false)
		_, err := inForce.Lift()
		expect(t, "lifts without a keeper", err, nil)
		WithFailures(t, Faults{fault}, func() { expect(t, "opens without a keeper", opens(file), false) })
	} else {
		delayed := make(chan bool)
		go func() { delayed <- opens(other) }()
		for waits := false; !waits; {
			counts, err := inForce.Counts()
			if err != nil {
				t.Fatal(err)
			}
			waits = counts[1].Fired == 1
		}
		if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		expect(t, "the call that waited", <-delayed, true)
		for i := 0; i < 1000; i++ {
			expect(t, "opens", opens("/dev/null"), true)
		}
		var lost *Error
		if err := inForce.End(); !errors.As(err, &lost) || lost.Code != "MB_CONTROL" || !strings.Contains(lost.Hint, "was killed") {
			t.Error(err)
		}
		expect(t, "the next block", refused(t, Faults{fault}).Code, "MB_CONTROL")
		if err := Unavailable(); os.Geteuid() != 0 && (err == nil || !strings.Contains(err.Error(), "was killed: its calls go on, without faults")) {
			t.Error(err)
		}
	}
	expectNothingInForce(t)
	if _, err := goOn.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	expect(t, "the child's end", child.Wait(), nil)
	expect(t, "the child", said.String(), "opened\n")
}

// At any moment, while goroutines open files, programs start and garbage is collected.
func killedAtRandom(t *testing.T, arguments []string) {
	milliseconds, err := strconv.ParseFloat(arguments[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	WithFailures(t, Faults{fault}, func() {}, MayMiss)
	victim := helpers(t)[arguments[0]]
	var over atomic.Value
	var running sync.WaitGroup
	for i := 0; i < 4; i++ {
		running.Add(1)
		go func(i int) {
			defer running.Done()
			for over.Load() == nil {
				expect(t, "opens", opens(other), true)
				if i == 0 {
					runtime.GC()
				} else if i == 1 {
					expect(t, "a child opens", childOpens(), true)
				}
			}
		}(i)
	}
	time.AfterFunc(time.Duration(milliseconds*float64(time.Millisecond)), func() { _ = syscall.Kill(victim, syscall.SIGKILL) })
	for err = nil; err == nil; {
		err = (&Minderbinder{}).WithFailures(Faults{fault + "x"}, func() error { opens("/dev/null"); return nil }, MayMiss)
	}
	over.Store(true)
	running.Wait()
	var lost *Error
	if !errors.As(err, &lost) || lost.Code != "MB_CONTROL" {
		t.Error(err)
	}
	expectNothingInForce(t)
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
	WithFailures(t, Faults{fault}, func() {
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
	})
	expectNothingInForce(t)
}

func reason(t *testing.T, arguments []string) {
	if len(arguments) > 0 {
		fmt.Scanln()
		expect(t, "opens", opens(file), true)
	}
	inForce, err := Inject(Faults{fault})
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
	each(func() { expect(t, "a child opens", childOpens(), true) })
	each(func() { expect(t, "opens", opens(other), true) })
	// With %memory in the reach, the runtime's own calls wait for answers, too.
	WithFailures(t, Faults{"openat=EIO,path=/nowhere"}, func() { opens("/nowhere") }, Reach("%memory+%file+%process+futex"))
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

// The process ends in a block.
func leaves(t *testing.T, arguments []string) {
	if _, err := Inject(Faults{fault}); err != nil {
		t.Fatal(err)
	}
	pids := helpers(t)
	fmt.Println("pids:", pids["supervisor"], pids["node"], pids["keeper"])
	if arguments[0] == "exit" {
		os.Exit(3)
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
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
