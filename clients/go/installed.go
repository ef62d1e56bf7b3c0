// SPDX-License-Identifier: MIT

package minderbinder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	partsVersion = 1 // What the parts say to each other: src/cli/own-filter-command.ts
	usageStatus  = 2
	patience     = time.Minute
)

// The minderbinder that is on PATH: it says itself where its parts are, whatever leads to it.
type installation struct {
	Version  int
	Launcher string // Starts the helpers.
	Library  string // A file by which other processes see whose filter it is: see mark.
}

var found struct {
	sync.Mutex
	installation *installation
}

func installed() (*installation, error) {
	found.Lock()
	defer found.Unlock()
	if found.installation == nil {
		parts, err := find()
		if err != nil {
			return nil, err
		}
		found.installation = parts
	}
	return found.installation, nil
}

func find() (*installation, error) {
	program, err := exec.LookPath("minderbinder")
	if err != nil {
		return nil, &Error{"MB_LAUNCHER", "there is no minderbinder on PATH",
			"install its npm package for all users: npm install --global minderbinder-*.tgz, the file that npm pack makes"}
	}
	said, err := askForParts(program)
	if err != nil {
		return nil, err
	}
	var parts installation
	if err := json.Unmarshal(said, &parts); err != nil {
		return nil, &Error{"MB_LAUNCHER", fmt.Sprintf("%s is not minderbinder, or is broken: %v", program, err), ""}
	}
	if parts.Version != partsVersion {
		return nil, otherVersion(program, fmt.Sprintf("its parts have version %d, and not %d", parts.Version, partsVersion))
	}
	return &parts, nil
}

func askForParts(program string) ([]byte, error) {
	limited, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	said, err := exec.CommandContext(limited, program, "own-filter").Output()
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		if err != nil {
			return nil, &Error{"MB_LAUNCHER", fmt.Sprintf("cannot start %s: %v", program, err), ""}
		}
		return said, nil
	}
	if ended.ExitCode() == usageStatus { // It has no such command.
		return nil, otherVersion(program, "it has no filter for the tests' own process")
	}
	why := strings.TrimSpace(string(ended.Stderr))
	if why == "" {
		why = ended.Error()
	}
	return nil, &Error{"MB_LAUNCHER", fmt.Sprintf("%s own-filter fails: %s", program, why), ""}
}

func otherVersion(program, why string) error {
	return &Error{"MB_LAUNCHER", fmt.Sprintf("%s is of another version than this client: %s", program, why),
		"install both from the same package: the client is its folder clients/go"}
}

// All that a helper gets of the environment: it finds node by it.
func helperEnvironment() []string { return []string{"PATH=" + os.Getenv("PATH")} }
