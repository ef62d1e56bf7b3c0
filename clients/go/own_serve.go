// SPDX-License-Identifier: MIT

package minderbinder

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

const (
	whyServeLost   = "minderbinder serve, which this process had started, has ended or was killed"
	firstNamespace = "pid:[4026531836]" // include/linux/proc_ns.h: PROC_PID_INIT_INO
)

// A minderbinder serve --stdio, which this process starts for itself if it may. It ends with this process.
var serving struct {
	sync.Mutex
	connection *connection
	failure    error // Why it does not start.
}

// serveRefusal says why there can be no serve. It is nil if there is one, or may be.
func serveRefusal() error {
	serving.Lock()
	defer serving.Unlock()
	if serving.connection != nil && !serving.connection.lost() {
		return nil
	}
	return whyNotServe()
}

func ownServe() (*connection, error) {
	serving.Lock()
	defer serving.Unlock()
	if serving.connection != nil && !serving.connection.lost() {
		return serving.connection, nil
	}
	if err := whyNotServe(); err != nil {
		return nil, err
	}
	started, err := startServe()
	if err != nil {
		serving.failure = err
		return nil, err
	}
	serving.connection = started
	return started, nil
}

func whyNotServe() error {
	if os.Geteuid() != 0 {
		return &Error{"MB_NO_PERMISSION", "minderbinder serve needs root", ""}
	}
	if serving.failure != nil {
		return serving.failure
	}
	if namespace, _ := os.Readlink("/proc/self/ns/pid"); namespace != firstNamespace {
		return &Error{"MB_NAMESPACE",
			"minderbinder serve needs all process ids of the machine, and this pid namespace shows a part of them", ""}
	}
	// It would inherit the filter, and faults of this process would hit it.
	if filterIsThere() {
		before := "minderbinder serve"
		if serving.connection != nil {
			before = whyServeLost + ", and"
		}
		return &Error{"MB_CONTROL", before + " cannot start any more: this process has installed a filter on itself",
			"start the tests with minderbinder exec --control -- instead"}
	}
	return nil
}

func startServe() (*connection, error) {
	parts, err := installed()
	if err != nil {
		return nil, err
	}
	var requests, answers [2]int
	if err = syscall.Pipe2(requests[:], syscall.O_CLOEXEC); err == nil {
		err = syscall.Pipe2(answers[:], syscall.O_CLOEXEC)
	}
	if err != nil {
		return nil, cannotStartServe(err)
	}
	ours, theirs := rawPipe(requests[1]), rawPipe(answers[0])
	err = startServer(parts, os.NewFile(uintptr(requests[0]), "requests"), os.NewFile(uintptr(answers[1]), "answers"))
	for _, end := range []rawPipe{ours, theirs} {
		if err == nil {
			err = syscall.SetNonblock(int(end), true)
		}
	}
	var c *connection
	if err != nil {
		err = cannotStartServe(err)
	} else {
		c, err = greet(theirs, ours, whyServeLost)
	}
	if err != nil {
		ours.Close()
		theirs.Close()
		return nil, err
	}
	return c, nil
}

// The end of its standard input, so of this process, ends it. It has a session of its own: ^C does not end it before.
func startServer(parts *installation, in, out *os.File) error {
	defer in.Close()
	defer out.Close()
	server := exec.Cmd{Path: parts.Launcher, Args: []string{"minderbinder", "serve", "--stdio", "--seed", processSeed()}, Dir: "/",
		Env: helperEnvironment(), Stdin: in, Stdout: out, Stderr: os.Stderr, SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
	if err := server.Start(); err != nil {
		return err
	}
	go func() { _ = server.Wait() }()
	return nil
}

func cannotStartServe(why error) error {
	return &Error{"MB_LAUNCHER", fmt.Sprintf("cannot start minderbinder serve: %v", why), ""}
}
