import './theme/tokens.css';
import './theme/base.css';
import './theme/parts.css';
import './theme/forms.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { applyTheme, readTheme } from './theme/theme.ts';

applyTheme(readTheme());
const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(<App />);
