/* Says in time that a sign-in is about to end unused, and keeps it if asked to. What a page asks for by itself is no
   use, and what is used in another tab counts here too. */
(function () {
  'use strict';
  var kept = document.getElementById('idle');
  if (!kept) return;
  var span = kept.dataset.idle * 1000, ahead = Math.min(120000, span / 2), NAME = 'desk-used';
  var used = Date.now(), shown = null;

  function use(at) {
    used = at;
    if (shown) shown.remove();
    shown = null;
  }
  function used_now() {
    use(Date.now());
    try { localStorage.setItem(NAME, used); } catch (e) { /* Private windows may refuse: each tab knows its own. */ }
  }
  function stay() {
    fetch(kept.dataset.stay, { credentials: 'same-origin', redirect: 'manual' }).then(function (answer) {
      if (answer.ok) used_now();
      else look(true);
    }, function () { /* No connection: the button stays. */ });
  }
  function look(over) {
    var left = used + span - Date.now();
    if (left > ahead && !over) return;
    if (!shown) {
      shown = kept.content.firstElementChild.cloneNode(true);
      shown.querySelector('[data-stay]').addEventListener('click', stay);
      document.getElementById('toasts').append(shown);
    }
    var is_over = over || left <= 0;
    shown.querySelector('[data-soon]').hidden = is_over;
    shown.querySelector('[data-over]').hidden = !is_over;
    shown.querySelector('[data-stay]').hidden = is_over;
  }

  used_now();
  setInterval(function () { look(false); }, 1000);
  document.addEventListener('htmx:afterRequest', function (event) {
    if (!/\bevery\b/.test(event.detail.elt.getAttribute('hx-trigger') || '')) used_now();
  });
  window.addEventListener('storage', function (event) {
    if (event.key === NAME && event.newValue > used) use(Number(event.newValue));
  });
})();
