// Whoever came by a link to a router, a time or a decision gets there once signed in: redirects keep what stands behind the #.
document.querySelector('form').action += location.search + location.hash;
