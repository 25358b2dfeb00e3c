/* The session page: stacked sections become a tablist, the decision panel counts and searches codes, and one's claim
   is renewed while the page is in use. Print and a browser without script keep every section. Needs desk.js. */
(function () {
  'use strict';
  var $ = window.desk.$, $$ = window.desk.$$;
  var list = $('[data-tabs]');
  if (!list) return;
  var tabs = $$('a[href^="#"]', list);

  function panel(tab) { return $(tab.getAttribute('href')); }
  function select(tab, focus) {
    tabs.forEach(function (t) {
      var on = t === tab;
      t.setAttribute('aria-selected', on);
      t.tabIndex = on ? 0 : -1;
      panel(t).hidden = !on;
    });
    if (focus) tab.focus();
  }
  /* Show the section that holds what an address or a link within the page points at. */
  function reveal(hash) {
    var target = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
    var tab = target && tabs.filter(function (t) { return panel(t).contains(target); })[0];
    if (!tab) return null;
    select(tab);
    return target;
  }

  list.setAttribute('role', 'tablist');
  tabs.forEach(function (tab, i) {
    tab.setAttribute('role', 'tab');
    tab.id = 'tab-' + tab.getAttribute('href').slice(1);
    tab.setAttribute('aria-controls', tab.getAttribute('href').slice(1));
    tab.removeAttribute('aria-current');
    panel(tab).setAttribute('role', 'tabpanel');
    panel(tab).setAttribute('aria-labelledby', tab.id);
    panel(tab).removeAttribute('aria-label');
    tab.addEventListener('click', function (e) {
      e.preventDefault();
      select(tab);
      history.replaceState(null, '', tab.getAttribute('href'));
    });
    tab.addEventListener('keydown', function (e) {
      var to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[e.key];
      if (to === undefined) return;
      e.preventDefault();
      select(tabs[(to + tabs.length) % tabs.length], true);
    });
  });
  document.addEventListener('click', function (e) {
    var link = e.target.closest('a[href^="#"]');
    /* Before the browser goes there: it does not scroll to what is hidden. */
    if (link && !list.contains(link)) reveal(link.hash);
  });
  addEventListener('hashchange', function () { reveal(location.hash); });
  var target = reveal(location.hash);
  if (!target) select(tabs[0]);
  else if (!tabs.some(function (tab) { return panel(tab) === target; })) target.scrollIntoView();
}());

(function () {
  'use strict';
  var $ = window.desk.$, $$ = window.desk.$$, say = window.desk.say;

  /* --- Codes: how many are ticked, and which are shown --------------------- */
  function ticked(scope) {
    return new Set($$('input[name="codes"]:checked', scope).map(function (box) { return box.value; })).size;
  }
  function count(form) {
    var label = $('[data-reject-label]', form);
    if (!label) return;
    label.dataset.plain = label.dataset.plain || label.textContent;
    var n = ticked(form);
    label.textContent = n ? (n === 1 ? label.dataset.one : label.dataset.many).replace('{n}', n) : label.dataset.plain;
  }
  function search(field) {
    var scope = field.closest('[data-codes]'), text = field.value.trim().toLowerCase(), shown = 0;
    $$('.option', scope).forEach(function (option) {
      var hit = !text || option.textContent.toLowerCase().indexOf(text) >= 0 || $('input', option).checked;
      option.hidden = !hit;
      if (hit) shown += 1;
    });
    $('[data-codes-none]', scope).hidden = shown > 0;
  }
  document.addEventListener('input', function (e) {
    if (e.target.matches('[data-codes-search]')) search(e.target);
  });
  document.addEventListener('change', function (e) {
    if (e.target.name === 'codes' && e.target.form) count(e.target.form);
  });
  document.addEventListener('keydown', function (e) {
    /* Enter in a field or on a choice confirms nothing. */
    var isField = e.target.matches('form[data-decision] input');
    if (e.key === 'Enter' && isField && !e.ctrlKey && !e.metaKey) e.preventDefault();
  });
  /* What is ticked stays, whatever else is found. */
  document.addEventListener('htmx:beforeSwap', function (e) {
    var scope = e.detail.target.closest('[data-codes]');
    if (!scope) return;
    var kept = $('[data-codes-chosen]', scope);
    $$('.option:has(:checked)', e.detail.target).forEach(function (option) { kept.append(option); });
  });
  document.addEventListener('htmx:afterSwap', function (e) {
    var scope = e.detail.target.closest && e.detail.target.closest('[data-codes]');
    if (!scope) return;
    var known = new Set($$('[data-codes-chosen] input', scope).map(function (box) { return box.value; }));
    $$('.option', e.detail.target).forEach(function (option) {
      if (known.has($('input', option).value)) option.remove();
    });
  });
  $$('form[data-decision]').forEach(count);

  /* --- Ctrl Enter confirms what is chosen ------------------------------------ */
  document.addEventListener('keydown', function (e) {
    if (e.key !== 'Enter' || !(e.ctrlKey || e.metaKey) || e.defaultPrevented || $('dialog[open]')) return;
    var panel = $('form[data-decision]'), own = e.target.matches('textarea, input, select') && e.target.form;
    var form = own && own.method === 'post' ? own : panel;
    if (!form || (form === panel && !$('[name="decision"]:checked, [name="outcome"]:checked', form))) return;
    e.preventDefault();
    form.requestSubmit();
  });
  /* A second press would do the act again, and be told that the session changed. */
  document.addEventListener('submit', function (e) {
    var form = e.target;
    if (e.defaultPrevented || form.method !== 'post' || form.matches('[hx-post], [data-theme-form]')) return;
    if (form.dataset.sent) { e.preventDefault(); return; }
    form.dataset.sent = '1';
    setTimeout(function () { delete form.dataset.sent; }, 5000);
  });

  /* --- The claim: renewed after activity, at most once a minute, and before half of a short one is over */
  var MINUTE = 60000, renewed = Date.now();
  function pause(lease) {
    return Math.min(MINUTE, Math.max((new Date(lease.dataset.lease) - renewed) / 2, 5000));
  }
  function active() {
    var lease = $('form[data-lease]');
    if (!lease || Date.now() - renewed < pause(lease)) return;
    renewed = Date.now();
    lease.dispatchEvent(new Event('desk:active'));
  }
  ['keydown', 'pointerdown', 'input', 'wheel'].forEach(function (kind) {
    document.addEventListener(kind, active, { passive: true });
  });
  document.addEventListener('htmx:afterSwap', function () {
    var lost = $('[data-lease-lost]:not([data-said])');
    if (!lost) return;
    lost.dataset.said = '1';
    say(lost.textContent.trim());
  });

  /* --- What can be undone until an instant is offered no longer than that ---- */
  $$('[data-until]').forEach(function (el) {
    var left = new Date(el.dataset.until) - Date.now();
    if (left > 0 && left < 24 * 60 * MINUTE) setTimeout(function () {
      $$('form', el).forEach(function (form) { form.remove(); });
      $$('.toast form').forEach(function (form) { form.remove(); });
      say(el.dataset.over);
    }, left);
  });
}());
