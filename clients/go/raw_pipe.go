// SPDX-License-Identifier: MIT

package minderbinder

import (
	"io"
	"syscall"
	"time"
	"unsafe"
)

const patienceOfPipe = 200 * time.Microsecond

// rawPipe is an end of a pipe that does not block. No fault of this process's filter hits its calls. It looks again and again,
// since a call that waits may be one that is faulted.
type rawPipe int

func (p rawPipe) Read(into []byte) (int, error) {
	n, err := p.again(syscall.SYS_READ, into)
	if n == 0 && err == nil {
		return 0, io.EOF
	}
	return n, err
}

func (p rawPipe) Write(from []byte) (int, error) {
	written := 0
	for written < len(from) {
		n, err := p.again(syscall.SYS_WRITE, from[written:])
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}

func (p rawPipe) again(number uintptr, bytes []byte) (int, error) {
	for {
		n, _ := rawCall(number, uintptr(p), uintptr(unsafe.Pointer(&bytes[0])), uintptr(len(bytes)), 0, 0)
		switch err := errnoOf(n); err {
		case 0:
			return int(n), nil
		case syscall.EAGAIN, syscall.EINTR:
			time.Sleep(patienceOfPipe)
		default:
			return 0, err
		}
	}
}

func (p rawPipe) Close() error { return syscall.Close(int(p)) }
