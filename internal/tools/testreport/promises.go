package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// promise is a sentence that people read, and the tests that prove it.
type promise struct {
	Place   string   `json:"place"`
	Promise string   `json:"promise"`
	Tests   []string `json:"tests"` // "internal/x.TestY", in the module
}

// keep counts a failure for each promise of a file whose tests have not all passed
// in this run: one that was skipped or did not run proves nothing.
func (r *report) keep(path, module string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var list []promise
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("read promises: %w", err)
	}
	if len(list) == 0 {
		return fmt.Errorf("%s makes no promise", path)
	}
	for _, p := range list {
		for _, test := range p.Tests {
			if !r.passedTests[module+"/"+test] {
				r.fail(
					module+"/"+test,
					fmt.Sprintf("did not pass in this run, and %s promises: %s", p.Place, p.Promise),
				)
			}
		}
	}
	return nil
}
