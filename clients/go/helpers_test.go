// SPDX-License-Identifier: MIT

package minderbinder

import (
	"errors"
	"fmt"
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

// Parts of own_filter_test.go in which the processes that help this one are found, and killed.

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
		WithFailures(t, forFilter, func() { expect(t, "opens without a keeper", opens(file), false) }, MayMiss)
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
		expect(t, "the next block", refused(t, forFilter).Code, "MB_CONTROL")
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
	WithFailures(t, elsewhere, func() {}, MayMiss)
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
		err = (&Minderbinder{}).WithFailures(elsewhere, func() error { opens("/dev/null"); return nil }, MayMiss)
	}
	over.Store(true)
	running.Wait()
	var lost *Error
	if !errors.As(err, &lost) || lost.Code != "MB_CONTROL" {
		t.Error(err)
	}
	expectNothingInForce(t)
}

// The process ends in a block.
func leaves(t *testing.T, arguments []string) {
	if _, err := Inject(forFilter); err != nil {
		t.Fatal(err)
	}
	pids := helpers(t)
	fmt.Println("pids:", pids["supervisor"], pids["node"], pids["keeper"])
	if arguments[0] == "exit" {
		os.Exit(3)
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}
