/* Runs in the head, before the first paint: says that scripts work. The theme itself is a cookie that the server
   renders as data-theme; here it changes without a reload. */
(function () {
  'use strict';
  var root = document.documentElement;
  root.classList.add('has-js');
  document.addEventListener('submit', function (e) {
    if (!e.target.matches('[data-theme-form]') || !e.submitter) return;
    e.preventDefault();
    var theme = e.submitter.value, secure = location.protocol === 'https:' ? '; Secure' : '';
    root.dataset.theme = theme;
    document.cookie = 'desk_theme=' + theme + '; Path=/; Max-Age=31536000; SameSite=Strict' + secure;
    var other = e.target.querySelector('button:not([value="' + theme + '"])');
    if (other && document.activeElement === e.submitter) other.focus();
  });
}());
