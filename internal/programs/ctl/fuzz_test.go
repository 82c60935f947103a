package ctl

import (
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/fleet/uptime"
)

func FuzzClean(f *testing.F) {
	f.Add("plain text")
	f.Add("\x1b[31mred\u009b0m\r\n\tend")
	f.Add("\u202eabc\u2066\xff\xfe")
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if i := strings.IndexFunc(got, steers); i >= 0 {
			t.Errorf("clean(%q) = %q, which holds %q", s, got, got[i:])
		}
		if clean(got) != got {
			t.Errorf("clean(%q) is not clean(clean)", s)
		}
	})
}

func FuzzParseEndpoint(f *testing.F) {
	f.Add("socks5://ann@a.example:1080")
	f.Add("http-connect://[2001:db8::1]:443")
	f.Add("socks5://ann:secret@a.example:1080")
	f.Add("//a.example:1")
	f.Fuzz(func(t *testing.T, s string) {
		e, err := parseEndpoint(s)
		if err == nil && (e.Protocol == "" || e.Host == "" || e.Port < 1 || e.Port > 65535 || e.Secret != nil) {
			t.Errorf("parseEndpoint(%q) = %+v", s, e)
		}
	})
}

func FuzzResults(f *testing.F) {
	line := `{"endpoint":"EP-1","slot":"2026-11-22T00:00:00Z","attempt":1,"verdict":"up","sha256":"` + strings.Repeat("0", 64) + `"}`
	f.Add(line + "\n" + line)
	f.Add(strings.Replace(line, "2026-11-22", "0000-01-01", 1))
	f.Add(strings.Replace(line, "00:00:00Z", "23:59:59.9+14:00", 1))
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, s string) {
		byDay, err := uptime.ParseResults([]byte(s))
		if err != nil {
			return
		}
		for day, attempts := range byDay {
			d := uptime.DayText{Day: day.Day, SlotS: 900, Marks: strings.Repeat("u", 96)}
			if err := marksFollow(day.Endpoint, d, attempts); err == nil && len(attempts) < 96 {
				t.Errorf("%d results carry 96 marks", len(attempts))
			}
		}
	})
}
