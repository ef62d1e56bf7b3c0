// SPDX-License-Identifier: MIT

package minderbinder

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"syscall"
)

const (
	variable = "MINDERBINDER_CONTROL"
	version  = 1 // of the protocol: docs/control.md
)

// Error is what minderbinder refuses. Code is stable, and one of those in minderbinder(1), section ERRORS.
type Error struct {
	Code    string
	Message string
	Hint    string // What to do, if that is known.
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return fmt.Sprintf("%s [%s]", e.Message, e.Code)
	}
	return fmt.Sprintf("%s (%s) [%s]", e.Message, e.Hint, e.Code)
}

// Unavailable says why faults cannot be injected from here. It is nil if they can be.
func Unavailable() error {
	if os.Getenv(variable) != "" {
		return nil
	}
	return &Error{"MB_CONTROL", variable + " is not set: minderbinder does not run this",
		"start the tests with it: minderbinder exec --control -- go test ./..."}
}

// One connection serves all blocks that are open in this process, so that no fault of one is in the way of another.
type connection struct {
	guard sync.Mutex // For a request and its answer.
	file  *os.File
	lines *bufio.Reader
	seed  string
	users int // Guarded by shared.
}

var shared struct {
	sync.Mutex
	connection *connection
}

func join() (*connection, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.connection == nil {
		opened, err := open()
		if err != nil {
			return nil, err
		}
		shared.connection = opened
	}
	shared.connection.users++
	return shared.connection, nil
}

func (c *connection) leave() {
	shared.Lock()
	defer shared.Unlock()
	c.users--
	if c.users == 0 {
		shared.connection = nil
		c.file.Close()
	}
}

func open() (*connection, error) {
	if err := Unavailable(); err != nil {
		return nil, err
	}
	path := os.Getenv(variable)
	file, err := dial(path)
	if err != nil {
		return nil, &Error{"MB_CONTROL", fmt.Sprintf("cannot connect to %s: %v", path, err),
			variable + " has the path from minderbinder exec --control, which may have ended"}
	}
	c := &connection{file: file, lines: bufio.NewReader(file)}
	greeted, err := c.ask(request{Type: "hello", Version: version})
	if err != nil {
		file.Close()
		return nil, err
	}
	c.seed = greeted.Seed
	return c, nil
}

// A socket that blocks, and not one of package net: that one needs epoll, which a fault may be about.
func dial(path string) (*os.File, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

type request struct {
	Type    string `json:"type"`
	Version int    `json:"version,omitempty"`
	Faults  []any  `json:"faults,omitempty"`
	Scope   Scope  `json:"scope,omitempty"`
	Tid     int    `json:"tid,omitempty"`
	Rules   []int  `json:"rules,omitempty"`
}

type answer struct {
	Error
	Type  string
	Seed  string
	Rules []struct {
		Rule int
		Counts
	}
}

func (c *connection) ask(asked request) (*answer, error) {
	line, err := json.Marshal(asked)
	if err != nil {
		return nil, err
	}
	c.guard.Lock()
	defer c.guard.Unlock()
	if _, err := c.file.Write(append(line, '\n')); err != nil {
		return nil, gone(err)
	}
	line, err = c.lines.ReadBytes('\n')
	if err != nil {
		return nil, gone(err)
	}
	var got answer
	if err := json.Unmarshal(line, &got); err != nil {
		return nil, gone(err)
	}
	if got.Type == "error" {
		return nil, &got.Error
	}
	return &got, nil
}

func gone(err error) error {
	return &Error{"MB_CONTROL", fmt.Sprintf("minderbinder has closed the control socket: %v", err),
		"the command that it was started with has ended, or minderbinder was killed"}
}
