/* Every page: shortcuts, menus, dialogs, copying, printing. Progressive enhancement only: each action is also a plain
   link or form. Everything is delegated, so swapped-in partials take part.
   Shortcuts: any control with data-key="x" or data-key="g q", and in the row of a list that has the focus or is open any
   with data-row-key="x"; a field is focused, everything else clicked. */
(function () {
  'use strict';
  var root = document.documentElement;
  var $ = function (sel, el) { return (el || document).querySelector(sel); };
  var $$ = function (sel, el) { return Array.from((el || document).querySelectorAll(sel)); };
  var visible = function (el) { return !!(el && el.getClientRects().length); };
  var store = {
    get: function (k) { try { return localStorage.getItem('kd-' + k); } catch (e) { return null; } },
    set: function (k, v) { try { localStorage.setItem('kd-' + k, v); } catch (e) { /* storage blocked */ } }
  };
  /* Says a text to screen readers. All words come from the page, in its language: #announce has those of every page. */
  function say(text) {
    var el = $('#announce');
    if (!el || !text) return;
    el.textContent = '';
    setTimeout(function () { el.textContent = text; }, 30);
  }
  function word(name) {
    var el = $('#announce');
    return el ? el.dataset[name] : '';
  }
  /* The row of a list that has the focus, or else the one whose preview is open. */
  function currentRow() {
    var at = document.activeElement;
    return (at && at.closest && at.closest('.qrow')) || $('.qrow.is-open');
  }
  /* What the pages' own scripts share. */
  window.desk = { $: $, $$: $$, visible: visible, store: store, say: say, word: word, currentRow: currentRow };

  function copy(button) {
    var use = $('use', button), before = use.getAttribute('href');
    if (!navigator.clipboard) return;
    navigator.clipboard.writeText(button.dataset.copy).then(function () {
      button.classList.add('is-done');
      use.setAttribute('href', '#i-check');
      say(word('copied'));
      setTimeout(function () { button.classList.remove('is-done'); use.setAttribute('href', before); }, 1500);
    }, function () { say(word('copyFailed')); });
  }

  var pending = '', timer;
  function fire(el) {
    if (el.matches('textarea, select, input:not([type="radio"]):not([type="checkbox"])')) {
      el.focus();
      if (el.select) el.select();
      return;
    }
    if (el.type === 'radio') el.focus();
    el.click();
  }
  function isTyping(el) {
    return el.matches && el.matches('textarea, select, [contenteditable], input:not([type="radio"]):not([type="checkbox"])');
  }
  function leave(e) {
    var menu = $('details.menu[open]');
    if (menu) { menu.open = false; $('summary', menu).focus(); } else if (isTyping(e.target)) e.target.blur();
  }
  document.addEventListener('keydown', function (e) {
    if (e.defaultPrevented) return;
    if (e.key === 'Escape') { leave(e); return; }
    if (isTyping(e.target) || e.ctrlKey || e.metaKey || e.altKey || store.get('keys') === 'off' || $('dialog[open]')) return;
    var keys = (pending + ' ' + e.key).trim();
    pending = '';
    var row = currentRow(), key = '"' + CSS.escape(keys) + '"]';
    var el = (row && $$('[data-row-key=' + key, row).filter(visible)[0]) || $$('[data-key=' + key).filter(visible)[0];
    if (el) { e.preventDefault(); fire(el); return; }
    if (e.key === 'g') { pending = 'g'; clearTimeout(timer); timer = setTimeout(function () { pending = ''; }, 1200); }
  });

  document.addEventListener('click', function (e) {
    var hit;
    if ((hit = e.target.closest('[data-copy]'))) { copy(hit); return; }
    if (e.target.closest('[data-print]')) { print(); return; }
    if ((hit = e.target.closest('[data-dialog]'))) {
      var dialog = document.getElementById(hit.dataset.dialog);
      if (dialog && dialog.showModal) { e.preventDefault(); dialog.showModal(); }
      return;
    }
    if (e.target.matches('dialog')) { e.target.close(); return; }
    if ((hit = e.target.closest('[data-dismiss]'))) { hit.closest(hit.dataset.dismiss).remove(); return; }
    $$('details.menu[open]').forEach(function (menu) { if (!menu.contains(e.target)) menu.open = false; });
  });

  /* A menu that would leave the window on the right opens to the left. */
  document.addEventListener('toggle', function (e) {
    var panel = e.target.open && e.target.matches('details.menu') && $('.menu__panel', e.target);
    if (!panel) return;
    if (panel.matches('.menu__panel--end:not([data-turned])')) return;
    panel.classList.remove('menu__panel--end');
    panel.removeAttribute('data-turned');
    if (panel.getBoundingClientRect().right > root.clientWidth) {
      panel.classList.add('menu__panel--end');
      panel.setAttribute('data-turned', '');
    }
  }, true);

  document.addEventListener('change', function (e) {
    if (e.target.matches('[data-keys-toggle]')) {
      store.set('keys', e.target.checked ? 'on' : 'off');
      say(word(e.target.checked ? 'keysOn' : 'keysOff'));
    } else if (e.target.matches('[data-autosubmit]') && e.target.form) e.target.form.requestSubmit();
  });

  /* The address names only what was asked for. */
  document.addEventListener('submit', function (e) {
    if (!e.target.matches('[data-lean]')) return;
    $$('input:not([type="checkbox"]), select', e.target).forEach(function (field) {
      var option = field.selectedOptions && field.selectedOptions[0];
      if (!field.value || (option && 'default' in option.dataset)) field.disabled = true;
    });
    setTimeout(function () { $$('[disabled]', e.target).forEach(function (field) { field.disabled = false; }); });
  });

  /* Print opens every disclosure, then restores them. */
  var closed = [];
  addEventListener('beforeprint', function () {
    closed = $$('details:not([open]):not(.menu)');
    closed.forEach(function (d) { d.open = true; });
  });
  addEventListener('afterprint', function () { closed.forEach(function (d) { d.open = false; }); });

  function start(scope) {
    $$('[data-key], [data-row-key]', scope).forEach(function (el) {
      var key = el.dataset.key || el.dataset.rowKey;
      if (key.indexOf(' ') < 0) el.setAttribute('aria-keyshortcuts', key);
    });
    var wide = matchMedia('(min-width: 1000px)').matches;
    $$('details[data-open-wide]', scope).forEach(function (d) { d.open = wide; });
    var toggle = $('[data-keys-toggle]', scope);
    if (toggle) toggle.checked = store.get('keys') !== 'off';
    var error = $('[data-focus]', scope);
    if (error) error.focus();
  }
  start(document);
  document.addEventListener('htmx:load', function (e) { if (e.target !== document.body) start(e.target); });
}());
