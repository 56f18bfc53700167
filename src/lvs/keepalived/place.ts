/** keepalived.conf where distributions and this tool have it. */
export const KEEPALIVED_CONF = '/etc/keepalived/keepalived.conf';
