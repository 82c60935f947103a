package ctl

import (
	"strings"
	"testing"
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
