package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentsNameCommandsThatExist asks the programs for help on each command that
// a document for operators names, with its flags. A command of the RUNBOOK is first
// typed when something is broken.
func TestDocumentsNameCommandsThatExist(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", bin+"/", "./cmd/causeway", "./cmd/causewayctl", "./cmd/causeway-signer", "./cmd/causeway-demo")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	// In a block a command has a line of its own, in a sentence it stands in backquotes.
	command := regexp.MustCompile("(?m)(?:^ *|`|-- |/usr/bin/|`bin/)((?:causeway|causewayctl|causeway-signer|causeway-demo) [a-z-][^`\n|;#]*)")
	seen := 0
	for _, path := range []string{"../README.md", "../SECURITY.md", "../CONTRIBUTING.md", "README.md", "RUNBOOK.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		whole := regexp.MustCompile(`\\\n\s*`).ReplaceAllString(string(text), "")
		for _, found := range command.FindAllStringSubmatch(whole, -1) {
			seen++
			if fault := unknown(t, bin, found[1]); fault != "" {
				t.Errorf("%s: %s\n%s", path, found[1], fault)
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d commands were found", seen)
	}
}

// unknown says what is wrong with a command, or nothing.
func unknown(t *testing.T, bin, line string) string {
	t.Helper()
	var words []string
	flagged := false
	for _, word := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1) {
		if strings.HasPrefix(word, "--") {
			flagged = true
		}
		if word == "…" || strings.HasPrefix(word, ">") || strings.HasPrefix(word, "<") {
			break
		}
		if strings.Contains(word, "$(") { // what the shell puts there
			word = "1"
		}
		words = append(words, strings.Trim(strings.TrimRight(word, ".,:"), `"`))
	}
	named := 0 // words before the first flag or argument
	for named < len(words) && regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(words[named]) {
		named++
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, words[0]), append(words[1:], "--help")...).CombinedOutput()
	help := string(out)
	if err != nil {
		return help
	}
	if i := strings.Index(help, "Available Commands:"); i >= 0 {
		usage := regexp.MustCompile(`(?m)^  (.*) \[command\]$`).FindStringSubmatch(help)
		if usage == nil || named > len(strings.Fields(usage[1])) || flagged && !strings.Contains(help, "Flags:") {
			return "there is no such command:\n" + help
		}
	}
	return ""
}

// TestRunbookWritesNothingByHand: rows are changed by the programs, which ask for two
// people and leave a trace. SQL in the documents only reads.
func TestRunbookWritesNothingByHand(t *testing.T) {
	t.Parallel()
	writes := regexp.MustCompile(`(?mi)^\s*(INSERT INTO|UPDATE \w+ SET|DELETE FROM|TRUNCATE|DROP|ALTER TABLE|GRANT)\b.*$`)
	for _, path := range []string{"README.md", "RUNBOOK.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if found := writes.Find(text); found != nil {
			t.Errorf("%s has people change rows by hand: %s", path, found)
		}
	}
}
