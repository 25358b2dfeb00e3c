/* The session page: stacked sections become a tablist. Print and a browser without script keep every section.
   Needs desk.js. */
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
