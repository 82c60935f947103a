// Passkeys: the two ceremonies of Web Authentication Level 3. The server makes
// the options and judges the answer; this carries them to the authenticator.
(() => {
  'use strict';

  async function post(url, body) {
    const reply = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = await reply.json().catch(() => ({}));
    if (!reply.ok) throw Object.assign(new Error(answer.detail || answer.title || ''), { said: true });
    return answer;
  }

  async function run(button) {
    const { passkey, begin, done, token, csrf } = button.dataset;
    const common = { token: token || undefined, csrf: csrf || undefined };
    const options = await post(begin, common);
    const publicKey = options.publicKey ?? options;
    const credential = passkey === 'create'
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
    const name = document.querySelector('[data-passkey-name]')?.value;
    const answer = await post(done, { ...common, name: name || undefined, credential: credential.toJSON() });
    location.assign(answer.location || button.dataset.next || '/');
  }

  for (const button of document.querySelectorAll('button[data-passkey]')) {
    const say = document.getElementById(button.dataset.say);
    const able = window.PublicKeyCredential?.parseCreationOptionsFromJSON;
    if (!able) {
      say.textContent = button.dataset.unable;
      continue;
    }
    button.disabled = false;
    button.addEventListener('click', async () => {
      say.textContent = '';
      button.disabled = true;
      try {
        await run(button);
      } catch (error) {
        say.textContent = (error.said && error.message) || button.dataset.failed;
        button.disabled = false;
      }
    });
  }
})();
