create table doors (unit text primary key, state text not null);
