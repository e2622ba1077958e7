// Loaded with `node --require` before npm @stripe/mcp: its requests to https://api.stripe.com go to COACH_TEST_STRIPE_URL instead.
'use strict';
const http = require('http');
const https = require('https');

const target = new URL(process.env.COACH_TEST_STRIPE_URL);
https.request = function (options, onResponse) {
  const request = http.request({
    host: target.hostname,
    port: target.port,
    path: options.path,
    method: options.method,
    headers: options.headers,
  }, onResponse);
  // The Stripe SDK sends its body once TLS is up.
  request.once('socket', socket => socket.once('connect', () => socket.emit('secureConnect')));
  return request;
};
