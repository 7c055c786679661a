/** Ways for processes to reach each other. One so far; others implement the port `Transport` and its compliance suite. */
export * from './tcp'
