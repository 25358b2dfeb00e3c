/* The history: a filter that is ticked applies at once, and the place on the page is kept. Needs desk.js. */
(function () {
  'use strict';
  var $ = window.desk.$, $$ = window.desk.$$, KEY = 'kd-place';

  document.addEventListener('submit', function (e) {
    if (!e.target.matches('[data-keep-place]')) return;
    var at = document.activeElement;
    var named = at && e.target.contains(at) && at.name ? [at.name, at.type === 'checkbox' ? at.value : null] : null;
    try { sessionStorage.setItem(KEY, JSON.stringify({ y: scrollY, named: named })); } catch (err) { /* storage blocked */ }
  });

  function restore() {
    var place = null;
    try { place = JSON.parse(sessionStorage.getItem(KEY)); sessionStorage.removeItem(KEY); } catch (err) { /* none */ }
    if (!place) return;
    scrollTo(0, place.y);
    if (!place.named) return;
    var field = $$('[name="' + CSS.escape(place.named[0]) + '"]').filter(function (el) {
      return place.named[1] === null || el.value === place.named[1];
    })[0];
    if (field) field.focus({ preventScroll: true });
  }
  restore();

  document.addEventListener('click', function (e) {
    if (!e.target.closest('[data-custom]')) return;
    var facets = $('.facets-wrap'), from = $('#from');
    if (!from) return;
    e.preventDefault();
    facets.open = true;
    from.focus();
  });
}());
