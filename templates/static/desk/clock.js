/* Times that run: how long a review has left and how long it waits are written anew as the minutes pass, and nothing
   is announced. The server's clock counts, whatever this machine's says. The words come from the page (#clock). */
(function () {
  'use strict';
  var words = document.getElementById('clock');
  if (!words) return;
  words = words.dataset;
  var ahead = words.now * 1000 - Date.now();

  function fill(pattern, parts) {
    return pattern.replace(/%\((\w+)\)(?:0(\d))?[ds]/g, function (all, name, width) {
      return String(parts[name]).padStart(width || 0, '0');
    });
  }
  /* As the server writes it (kyc.figures.span). */
  function span(seconds) {
    var minutes = Math.max(0, Math.floor(seconds / 60)), hours = Math.floor(minutes / 60);
    var parts = { days: Math.floor(hours / 24), hours: hours % 24, minutes: minutes % 60 };
    if (parts.days) return fill(parts.hours ? words.daysAndHours : words.days, parts);
    if (parts.hours) return fill(parts.minutes ? words.hoursAndMinutes : words.hours, parts);
    return parts.minutes ? fill(words.minutes, parts) : words.less;
  }
  function write(text, said) {
    if (text.textContent !== said) text.textContent = said;
  }
  function overdue(chip) {
    var icon = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    var use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
    icon.setAttribute('class', 'icon icon--s');
    icon.setAttribute('aria-hidden', 'true');
    use.setAttribute('href', '#i-alert');
    icon.append(use);
    chip.firstElementChild.replaceWith(icon);
  }
  function due(chip, now) {
    var left = chip.dataset.due - now, tone = left < 0 ? 'over' : left <= words.soon ? 'soon' : 'ok';
    if (!chip.classList.contains('sla--' + tone)) {
      chip.classList.remove('sla--ok', 'sla--soon');
      chip.classList.add('sla--' + tone);
      if (tone === 'over') overdue(chip);
    }
    var arc = chip.querySelector('.sla__arc');
    if (arc) arc.setAttribute('stroke-dasharray', 100 - Math.round(100 * Math.min(left / words.target, 1)) + ' 100');
    write(chip.lastChild, fill(tone === 'over' ? words.over : words.left, { span: span(Math.abs(left)) }));
  }
  function tick() {
    if (document.hidden) return;
    var now = (Date.now() + ahead) / 1000;
    document.querySelectorAll('[data-due]').forEach(function (chip) { due(chip, now); });
    document.querySelectorAll('[data-since]').forEach(function (text) {
      write(text, fill(words.waiting, { span: span(now - text.dataset.since) }));
    });
  }
  setInterval(tick, 20000);
  document.addEventListener('visibilitychange', tick);
}());
