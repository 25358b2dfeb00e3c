/* A form with data-passkey="create" or "get" asks the browser for a passkey when it is sent, and goes with it.
   What to ask for stands in data-options, or is fetched from data-options-from. */
(function () {
  'use strict';
  function bytes(text) {
    var binary = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
    return Uint8Array.from(binary, function (c) { return c.charCodeAt(0); });
  }
  function text(buffer) {
    var binary = '';
    new Uint8Array(buffer).forEach(function (b) { binary += String.fromCharCode(b); });
    return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  }
  /* From the server's JSON to what the browser takes, and back. */
  function asked(options) {
    var key = Object.assign({}, options.publicKey, { challenge: bytes(options.publicKey.challenge) });
    var known = function (one) { return Object.assign({}, one, { id: bytes(one.id) }); };
    if (key.user) key.user = Object.assign({}, key.user, { id: bytes(key.user.id) });
    if (key.excludeCredentials) key.excludeCredentials = key.excludeCredentials.map(known);
    if (key.allowCredentials) key.allowCredentials = key.allowCredentials.map(known);
    return { publicKey: key };
  }
  function answered(credential) {
    var response = { clientDataJSON: text(credential.response.clientDataJSON) };
    ['attestationObject', 'authenticatorData', 'signature', 'userHandle'].forEach(function (name) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    });
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      response: response,
      clientExtensionResults: credential.getClientExtensionResults()
    });
  }
  /* A passkey that signs in by itself lives on the device, which must know its owner. */
  function choose(options, form) {
    var alone = form.elements.passwordless;
    if (!alone) return options;
    options.publicKey.authenticatorSelection = Object.assign({}, options.publicKey.authenticatorSelection, {
      residentKey: alone.checked ? 'required' : 'discouraged',
      requireResidentKey: alone.checked,
      userVerification: alone.checked ? 'required' : 'preferred'
    });
    return options;
  }
  async function options(form) {
    if (form.dataset.options) return choose(JSON.parse(form.dataset.options), form);
    var answer = await fetch(form.dataset.optionsFrom, { headers: { Accept: 'application/json' } });
    if (!answer.ok) throw new Error('no options');
    return (await answer.json()).request_options;
  }
  async function ask(form) {
    var trouble = form.querySelector('[data-passkey-trouble]');
    trouble.hidden = true;
    try {
      var wanted = asked(await options(form));
      var credential = form.dataset.passkey === 'create'
        ? await navigator.credentials.create(wanted) : await navigator.credentials.get(wanted);
      form.elements.credential.value = answered(credential);
      form.submit();
    } catch (e) {
      trouble.hidden = false;
    }
  }
  document.addEventListener('submit', function (e) {
    if (!e.target.matches('[data-passkey]')) return;
    e.preventDefault();
    ask(e.target);
  });
  /* A press before this script had come would send the form without a passkey. */
  document.querySelectorAll('[data-passkey-button]').forEach(function (button) { button.disabled = false; });
}());
