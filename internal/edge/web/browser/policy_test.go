package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// testPolicy puts into a page what somebody who found a hole would put there,
// and sees that the browser refuses each piece.
func testPolicy(t *testing.T, h *house) {
	b := h.tab(t)
	b.signIn("Mara")
	for _, attack := range []struct {
		name, script, harmed string
		refused              string // what the console says of it
	}{
		{
			name:    "inline style",
			script:  `document.querySelector('h1').setAttribute('style', 'position: fixed')`,
			harmed:  `getComputedStyle(document.querySelector('h1')).position === 'fixed'`,
			refused: "style-src",
		},
		{
			name:    "style element",
			script:  `document.head.append(Object.assign(document.createElement('style'), { textContent: 'body { opacity: 0.5 }' }))`,
			harmed:  `getComputedStyle(document.body).opacity === '0.5'`,
			refused: "style-src",
		},
		{
			name:    "script element",
			script:  `(() => { const s = document.createElement('script'); try { s.textContent = 'window.harmed = 1' } catch (e) {} document.body.append(s) })()`,
			harmed:  `window.harmed === 1`,
			refused: "Trusted",
		},
		{
			name:    "markup by innerHTML",
			script:  `(() => { try { document.querySelector('main').innerHTML = '<img src=x onerror="window.harmed = 1">' } catch (e) {} })()`,
			harmed:  `window.harmed === 1 || document.querySelector('main img') !== null`,
			refused: "Trusted",
		},
		{
			name: "htmx attribute without the nonce",
			script: `(() => {
				const d = document.createElement('div');
				d.setAttribute('hx-get', '/profile'); d.setAttribute('hx-trigger', 'load'); d.setAttribute('hx-swap', 'innerHTML'); d.id = 'injected';
				document.querySelector('main').append(d);
				htmx.process(d);
			})()`,
			harmed: `document.querySelector('#injected').childElementCount > 0 || performance.getEntriesByType('resource').some((e) => e.name.endsWith('/profile'))`,
		},
		{
			name:    "eval",
			script:  `(() => { try { setTimeout('window.harmed = 1', 0) } catch (e) {} })()`,
			harmed:  `window.harmed === 1`,
			refused: "Trusted",
		},
		{
			name:    "request to another host",
			script:  `fetch('http://127.0.0.1:9/').catch(() => {})`,
			harmed:  `false`,
			refused: "connect-src",
		},
	} {
		b.visit("/review")
		b.heard()
		b.do(chromedp.Evaluate[chromedp.Void](attack.script))
		// Two frames and a turn of the event loop: what would have run has run.
		if eval[bool](b, `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(`+attack.harmed+`), 100))))`) {
			t.Errorf("%s: it worked", attack.name)
		}
		said := strings.Join(b.heard(), "\n")
		if !strings.Contains(said, attack.refused) {
			t.Errorf("%s: the console does not say that it was refused (%q): %q", attack.name, attack.refused, said)
		}
	}
}
