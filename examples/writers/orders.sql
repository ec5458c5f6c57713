create table orders (id text primary key, total int not null, paid int not null default 0);
