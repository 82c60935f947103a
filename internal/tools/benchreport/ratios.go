package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// ratio is a unit of a figure that two measurements of one run give: only that means the
// same on another machine.
var ratio = regexp.MustCompile(`^(x([_-]\S+)?|ratio|\S+-paid/needed)$`)

// ratios writes what benchstat reads: the lines of results with no figures but ratios.
// A result that has none is left out.
func (rep *report) ratios(w io.Writer) error {
	pkg := ""
	for _, r := range rep.results {
		fields := strings.Fields(r.figures)
		var kept strings.Builder
		for i := 0; i+1 < len(fields); i += 2 {
			if ratio.MatchString(fields[i+1]) {
				fmt.Fprintf(&kept, "\t%s %s", fields[i], fields[i+1])
			}
		}
		if kept.Len() == 0 {
			continue
		}
		if r.pkg != pkg {
			pkg = r.pkg
			if _, err := fmt.Fprintf(w, "pkg: %s\n", pkg); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(w, "%s\t1%s\n", r.name, kept.String()); err != nil {
			return err
		}
	}
	return nil
}

func writeRatios(path string, rep *report) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = rep.ratios(file)
	if closing := file.Close(); err == nil {
		err = closing
	}
	return err
}
