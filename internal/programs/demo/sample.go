package demo

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// sample is one plausible application.
type sample struct {
	title, narrative, region, language string
	protocols                          []string
	host                               string
	amountSat                          int64
	days                               int // ago
	fate                               fate
}

// fate is how far a sample application has come.
type fate int

const (
	fateNew fate = iota
	fateOneVote
	fateReady
	fateAsked
	fateAnswered
	fateDeclined
	fateWithdrawn
	fateApproved
	fateFirstBatch
	fateSecondBatch
)

// story is the text of an application in one language.
type story struct {
	Language  string   `json:"language"`
	Title     string   `json:"title"`
	Narrative string   `json:"narrative"`
	Regions   []string `json:"regions"`
}

//go:embed stories.json
var storiesJSON []byte

// readStories returns the texts of the samples.
func readStories() ([]story, error) {
	var stories []story
	if err := json.Unmarshal(storiesJSON, &stories); err != nil {
		return nil, fmt.Errorf("read sample texts: %w", err)
	}
	return stories, nil
}

var storyProtocols = [][]string{
	{
		"wireguard",
	},
	{"socks5"},
	{"mtproto"},
	{"shadowsocks", "http-connect"},
	{"openvpn"},
	{"vless"},
	{"mtproto", "socks5"},
	{"mtproto"},
	{"trojan"},
	{"wireguard", "openvpn"},
}

var sampleHosts = []string{"203.0.113.%d", "198.51.100.%d", "192.0.2.%d", "relay%d.example.net", "exit%d.example.org"}

// fates is how the sixty applications are spread, oldest first.
var fates = []struct {
	fate  fate
	count int
}{
	{fateFirstBatch, 8},
	{fateSecondBatch, 6},
	{fateDeclined, 4},
	{fateWithdrawn, 1},
	{fateApproved, 6},
	{fateAnswered, 2},
	{fateAsked, 4},
	{fateReady, 4},
	{fateOneVote, 9},
	{fateNew, 16},
}
