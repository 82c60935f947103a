package deploy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// TestUnitsRunAsUsersThatAreMade holds the units against the file that makes their
// users and groups.
func TestUnitsRunAsUsersThatAreMade(t *testing.T) {
	t.Parallel()
	made, err := os.ReadFile("systemd/causeway.sysusers.conf")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, line := range regexp.MustCompile(`(?m)^[ug]\s+(\S+)`).FindAllStringSubmatch(string(made), -1) {
		names = append(names, line[1])
	}
	units, err := filepath.Glob("systemd/*.service")
	if err != nil || len(units) < 6 {
		t.Fatalf("%d units, %v", len(units), err)
	}
	for _, path := range units {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		wanted := regexp.MustCompile(`(?m)^(?:User|Group|SupplementaryGroups)=(\S+)$`).FindAllStringSubmatch(string(text), -1)
		if len(wanted) == 0 && !bytes.Contains(text, []byte("\nDynamicUser=yes\n")) {
			t.Errorf("%s would run as root", path)
		}
		for _, w := range wanted {
			if !slices.Contains(names, w[1]) {
				t.Errorf("%s runs as %s, which nobody makes", path, w[1])
			}
		}
	}
}

// TestTheAccountOfBtcdHasItsStateForAHome: before it reads its flags btcd makes a
// folder in the home of its account, and ends when it cannot, as in the / of an account
// that was made without one.
func TestTheAccountOfBtcdHasItsStateForAHome(t *testing.T) {
	t.Parallel()
	made, err := os.ReadFile("systemd/causeway.sysusers.conf")
	if err != nil {
		t.Fatal(err)
	}
	unit, err := os.ReadFile("systemd/btcd.service")
	if err != nil {
		t.Fatal(err)
	}
	state := regexp.MustCompile(`(?m)^StateDirectory=(\S+)$`).FindSubmatch(unit)
	home := regexp.MustCompile(`(?m)^u\s+btcd\s+-\s+"[^"]*"\s+(\S+)$`).FindSubmatch(made)
	if state == nil || home == nil || string(home[1]) != "/var/lib/"+string(state[1]) {
		t.Errorf("the home of btcd's account is %q, its state is %q below /var/lib", home, state)
	}
}

// TestServeMayReadTheFilesThatItsSettingsName: a service gets secrets as credentials,
// and cannot enter the folders in which they lie. All else that a setting names must be
// in the one that its group may enter.
func TestServeMayReadTheFilesThatItsSettingsName(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`CAUSEWAY_\w+_(?:FILE|DIR)=(/\S+)`).FindAllSubmatch(page, -1)
	if len(named) == 0 {
		t.Fatal("no setting names a file; were they renamed?")
	}
	for _, n := range named {
		if !bytes.HasPrefix(n[1], []byte("/etc/causeway/checks/")) {
			t.Errorf("%s: causeway-serve may not read it there", n[0])
		}
	}
	if !bytes.Contains(page, []byte("install -d -m 0750 -g causeway-serve /etc/causeway/checks\n")) {
		t.Error("nobody makes /etc/causeway/checks for the group of causeway-serve")
	}
}
